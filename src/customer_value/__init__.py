"""What each customer is worth.

One transaction log goes in; scores, classes, tiers, lifetime values, profit and lifecycle stages
come out. By convention `import customer_value as cv`.

The names of the main job stand here: `cv.summarize`, `cv.fit_bg_nbd`, `cv.customer_lifetime_value`,
`cv.value_report`. Everything else is in a package of its own, ready after the one import:

- `cv.transactions`: the log as a value, and the customer frame made of it
- `cv.rfm`, `cv.abc`, `cv.tiers`, `cv.segments`: scores, classes, tiers, clusters, marks, profiles
- `cv.clv`: models of purchase, spend and contracts; predictions, intervals, validation, formulas
- `cv.contracts`: subscriptions, churn and recurring revenue
- `cv.profit`, `cv.channels`: profit and loss per customer, cost to serve, unit economics
- `cv.lifecycle`: stages, cohorts, growth, survival, churn risk
- `cv.changes`: what moved between two snapshots
- `cv.loyalty`, `cv.service`, `cv.reviews`: surveys, engagement, service levels, review dates
- `cv.equity`, `cv.allocation`: the three values of a customer, and where to spend
- `cv.effects`: whether a measure worked
- `cv.report`: every table in one call
- `cv.datasets`, `cv.simulate`: logs to learn and test with

Importing this package loads none of its dependencies; each name loads what it needs.
"""

import lazy_loader

from customer_value._version import __version__ as __version__

# The names stand once, in the stub beside this file.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
