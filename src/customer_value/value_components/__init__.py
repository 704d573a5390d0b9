"""The three values of a customer, and the equity that all customers are together.

What a customer has brought (existing), may bring (potential) and brings through others
(influence); `value_cube` crosses the three. Value that stands in a referrer's influence stands in
the referred customer's own value too: totals take own values only, as `customer_equity` does, or
subtract what `influence_value` names as attributed to referrers.
"""

from customer_value.value_components.bridge import equity_bridge
from customer_value.value_components.cube import CubeOptions, referral_segments, value_cube
from customer_value.value_components.equity import customer_equity, future_equity
from customer_value.value_components.existing import existing_value
from customer_value.value_components.influence import influence_value, referral_value
from customer_value.value_components.potential import PotentialOptions, potential_value
from customer_value.value_components.referrals import InfluenceOptions
from customer_value.value_components.wallet import wallet_from_peers, wallet_from_ranks

__all__ = [
    "CubeOptions",
    "InfluenceOptions",
    "PotentialOptions",
    "customer_equity",
    "equity_bridge",
    "existing_value",
    "future_equity",
    "influence_value",
    "potential_value",
    "referral_segments",
    "referral_value",
    "value_cube",
    "wallet_from_peers",
    "wallet_from_ranks",
]
