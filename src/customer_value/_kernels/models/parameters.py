"""The parameters of each model, in the order in which fits and kernels take them.

Rate parameters of rates of events are in units of time, all others are pure numbers; all are above
0. Where covariates make customers differ, those that are written as `PerRow` may be one per row.
"""

from __future__ import annotations

from typing import NamedTuple

from customer_value._kernels.run.per_row import PerRow, per_row


class Nbd(NamedTuple):
    """NBD: purchases forever.

    Attributes:
        r: Shape of the purchase rate.
        alpha: Rate parameter of the purchase rate.
    """

    r: float
    alpha: float


class BgNbd(NamedTuple):
    """BG/NBD: purchases until one of them is the last.

    Attributes:
        r: Shape of the purchase rate.
        alpha: Rate parameter of the purchase rate.
        a: First shape of the drop-out probability.
        b: Second shape of the drop-out probability.
    """

    r: float
    alpha: PerRow
    a: PerRow
    b: PerRow

    def per_row(self) -> tuple[PerRow, ...]:
        """Give alpha, a and b as a kernel takes them."""
        return per_row(self.alpha, self.a, self.b)


class MbgCnbd(NamedTuple):
    """MBG/CNBD-k, and with k = 1 MBG/NBD: purchases until one, or the first one, is the last.

    Attributes:
        k: Shape of the gaps between purchases, a whole number from 1 on.
        r: Shape of the rate of events, every k-th of which is a purchase.
        alpha: Rate parameter of the rate of events.
        a: First shape of the drop-out probability.
        b: Second shape of the drop-out probability.
    """

    k: int
    r: float
    alpha: float
    a: float
    b: float


class ParetoNbd(NamedTuple):
    """Pareto/NBD: purchases until death at any time.

    Attributes:
        r: Shape of the purchase rate.
        alpha: Rate parameter of the purchase rate.
        s: Shape of the death rate.
        beta: Rate parameter of the death rate.
    """

    r: float
    alpha: PerRow
    s: float
    beta: PerRow

    def per_row(self) -> tuple[PerRow, ...]:
        """Give alpha and beta as a kernel takes them."""
        return per_row(self.alpha, self.beta)


class BgBb(NamedTuple):
    """BG/BB: purchases at given opportunities until a drop-out before one of them.

    Attributes:
        alpha: First shape of the purchase probability.
        beta: Second shape of the purchase probability.
        gamma: First shape of the drop-out probability.
        delta: Second shape of the drop-out probability.
    """

    alpha: float
    beta: float
    gamma: float
    delta: float


class Contract(NamedTuple):
    """Beta-discrete-Weibull: contracts that are renewed or not at the end of each period.

    Attributes:
        alpha: First shape of the probability of leaving.
        beta: Second shape of the probability of leaving.
        c: Exponent of the time, 1 for the shifted beta-geometric.
    """

    alpha: float
    beta: float
    c: float


class GammaGamma(NamedTuple):
    """Gamma-Gamma: the spend per purchase.

    Attributes:
        p: Shape of the spend per purchase.
        q: Shape of its rate between customers.
        v: Rate parameter of its rate between customers, in money.
    """

    p: float
    q: float
    v: float


class LogNormal(NamedTuple):
    """Log-normal: the spend per purchase.

    Attributes:
        median: Median among customers of the mean spend, in money.
        between: Standard deviation among customers of its logarithm.
        within: Coefficient of variation of one customer's purchases.
    """

    median: float
    between: float
    within: float
