"""From what purchases and spend to come are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from customer_value._typing import FloatArray


class Futures(NamedTuple):
    """From what each customer's purchases to come are drawn, given the history.

    Attributes:
        alive: Probability of being alive.
        shape: Shape of the rate of purchase given alive, a gamma distribution.
        rate: Its rate parameter, in days.
        end: Whether a purchase may be the last with probability Beta(first, second), or the end
            comes in time at a daily rate Gamma(first, second), or never.
        first: First parameter of the end; anything where it never comes.
        second: Second parameter of the end.
        gap_shape: Every how many events there is a purchase, where the rate is one of events: the
            k of Erlang-k gaps. Above 1 the end comes at a purchase.
        silence: Time since the last purchase over `rate`; needed where `gap_shape` is above 1,
            since the current gap is partly over. `shape` then counts the events up to that
            purchase.
    """

    alive: FloatArray
    shape: FloatArray
    rate: FloatArray
    end: Literal["at_purchase", "in_time", "never"]
    first: FloatArray
    second: FloatArray
    gap_shape: int = 1
    silence: FloatArray | None = None


class OpportunityFutures(NamedTuple):
    """The same where purchases can happen only at opportunities, which a horizon counts.

    Attributes:
        alive: Probability of being alive at the last opportunity so far.
        buys: Given alive, both parameters of the probability of a purchase at each opportunity, a
            beta distribution.
        stops: Those of the probability of stopping before each.
    """

    alive: FloatArray
    buys: tuple[FloatArray, FloatArray]
    stops: tuple[FloatArray, FloatArray]


class SpendFutures(NamedTuple):
    """From what the spend of each customer's purchases to come is drawn, given the history.

    Attributes:
        purchase: How one customer's purchases spread: the shape of a gamma distribution, or the
            coefficient of variation of a log-normal one.
        first: Of the customer's level: the shape of the rate parameter, a gamma distribution, or
            the mean of the logarithm of the mean spend, a normal one.
        second: Rate parameter of that in money, or its standard deviation.
        kind: Which of the two.
    """

    purchase: float
    first: FloatArray
    second: FloatArray
    kind: Literal["gamma", "log_normal"] = "gamma"
