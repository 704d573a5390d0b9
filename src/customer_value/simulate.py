"""Seeded transaction logs of customers who behave as a model says."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple, TypeAlias, get_args

import numpy as np
import polars as pl
from pydantic import BaseModel, Field, SkipValidation, ValidationInfo, field_validator

from customer_value._frames.options import build
from customer_value.clv import BgNbd, GammaGamma, MbgCnbd, MbgNbd, Nbd, ParetoNbd
from customer_value.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from customer_value._typing import FloatArray, IntArray


_MAX_ROWS: Final = 2**32 - 1  # what polars indexes
_Share = Annotated[float, Field(ge=0, le=1)]
_Labels = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)]


CDNOW_BG_NBD: Final = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426, time_unit="week")
"""BG/NBD on the CDNOW sample (Fader, Hardie & Lee 2005)."""

CDNOW_PARETO_NBD: Final = ParetoNbd(r=0.553, alpha=10.58, s=0.606, beta=11.66, time_unit="week")
"""Pareto/NBD on the CDNOW sample (Fader, Hardie & Lee 2005)."""

CDNOW_GAMMA_GAMMA: Final = GammaGamma(p=6.25, q=3.74, v=15.44)
"""Gamma-Gamma spend on the CDNOW sample (Fader & Hardie 2013), in US dollars."""

_Purchases: TypeAlias = BgNbd | MbgNbd | MbgCnbd | Nbd | ParetoNbd


def simulate_transactions(
    n_customers: int,
    *,
    start: date,
    end: date,
    seed: int,
    purchases: BgNbd | MbgNbd | MbgCnbd | Nbd | ParetoNbd | None = None,
    spend: GammaGamma | None = None,
    acquisition_days: int | None = None,
    return_rate: float = 0.0,
    cost_rate: float | None = None,
    categories: Sequence[str] | None = None,
    channels: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Simulate the transaction log of customers who buy, spend and leave as the models assume.

    Every customer first buys at a uniformly random moment of the acquisition window, and then

    - BG/NBD: buys again at a rate `lambda ~ Gamma(r, alpha)` and leaves after each *repeat*
      purchase with probability `p ~ Beta(a, b)`;
    - Pareto/NBD: buys again at a rate `lambda ~ Gamma(r, alpha)` during a lifetime from the first
      purchase that is exponential with rate `mu ~ Gamma(s, beta)`;
    - MBG/NBD: as BG/NBD, but may leave after the first purchase too;
    - MBG/CNBD-k: likewise, with gaps of Erlang's distribution with shape `k` and rate `lambda`;
    - NBD: buys again at a rate `lambda ~ Gamma(r, alpha)` for ever.

    Each purchase costs `z ~ Gamma(p, nu)` with the customer's own `nu ~ Gamma(q, v)`, on average
    `p v / (q - 1)`. The second parameter of a gamma distribution is its rate. Amounts are rounded
    to cents and at least 0.01.

    Moments are drawn to the microsecond, not to the day, because the models run in continuous time:
    whether purchases of one day are one occasion is left to whoever summarises the log.

    Everything asked for draws from its own random stream: the sales are the same with and without
    returns, costs, categories or channels, and another `spend` leaves the moments as they are.

    Args:
        n_customers: How many customers; each buys at least once. 0 gives an empty frame.
        start: First day of the log.
        end: Last day of the log, inclusive.
        seed: Seed of all draws, at least 0. The same seed gives the same frame on any number of
            threads. A release of numpy may change it.
        purchases: Purchase process: a BG/NBD, MBG/NBD, MBG/CNBD-k, NBD or Pareto/NBD model, fitted
            or built from parameters; one with covariates is given them by its `with_covariates`.
            None is `CDNOW_BG_NBD`.
        spend: Spend process: a Gamma-Gamma model with q above 1 (below, the mean spend is
            infinite). None is `CDNOW_GAMMA_GAMMA`.
        acquisition_days: Length of the acquisition window from `start`, in days. None is the whole
            period, as in a business that keeps finding customers; 84 makes a cohort as in CDNOW.
        return_rate: Share of the orders that is returned in full, 1 to 30 days later. Returns that
            would fall after `end` are not in the log.
        cost_rate: Cost of an order as a share of its amount. None leaves the column out.
        categories: Names to draw each order's category from, the k-th with weight 1/k.
        channels: Names to draw each order's channel from, likewise.

    Returns:
        A frame with one row per order or return, sorted by `ordered_at`, then `order_id`:

        - `customer_id` (Int64): 1 to `n_customers`.
        - `order_id` (Int64): 1, 2, ... in the order of the sales; a return has its sale's.
        - `ordered_at` (Datetime, microseconds, no time zone).
        - `amount` (Float64): revenue; of a return, the sale's amount with a minus sign.
        - `cost` (Float64), with `cost_rate`: rounded to cents; negative on returns.
        - `category`, `channel` (Enum), with `categories`, `channels`.
        - `kind` (Enum of `"sale"` and `"return"`), with a `return_rate` above 0.

    Raises:
        OptionError: Names every argument that cannot be used; or the log would have more rows than
            polars can count.

    References:
        Fader, Hardie & Lee (2005), "Counting Your Customers" the Easy Way, Marketing Science 24(2).
        Schmittlein, Morrison & Colombo (1987), Counting Your Customers, Management Science 33(1).
        Fader & Hardie (2013), The Gamma-Gamma Model of Monetary Value.
        Reutterer, Platzer & Schröder (2021), Leveraging purchase regularity for predicting customer
        behavior the easy way, International Journal of Research in Marketing 38(1).

    Examples:
        >>> from datetime import date
        >>> from customer_value.simulate import simulate_transactions
        >>> log = simulate_transactions(
        ...     1_000,
        ...     start=date(2024, 1, 1),
        ...     end=date(2025, 12, 31),
        ...     seed=7,
        ...     return_rate=0.05,
        ...     channels=["web", "store"],
        ... )
        >>> log.columns
        ['customer_id', 'order_id', 'ordered_at', 'amount', 'channel', 'kind']
        >>> log["customer_id"].n_unique()
        1000
    """
    options = build(
        _Options,
        n_customers=n_customers,
        start=start,
        end=end,
        seed=seed,
        purchases=CDNOW_BG_NBD if purchases is None else purchases,
        spend=CDNOW_GAMMA_GAMMA if spend is None else spend,
        acquisition_days=acquisition_days,
        return_rate=return_rate,
        cost_rate=cost_rate,
        categories=categories,
        channels=channels,
    )
    streams = _Streams(
        *(_generator(child) for child in np.random.SeedSequence(options.seed).spawn(5))
    )
    log = _simulate_sales(options, streams)
    if options.cost_rate is not None:
        log = log.with_columns(cost=(pl.col("amount") * options.cost_rate).round(2))
    if options.categories is not None:
        log = log.with_columns(
            category=_draw_labels(options.categories, log.height, streams.category)
        )
    if options.channels is not None:
        log = log.with_columns(channel=_draw_labels(options.channels, log.height, streams.channel))
    return _add_returns(log, options, streams.returns) if options.return_rate > 0 else log


class _Options(BaseModel, frozen=True, extra="forbid", title="simulate_transactions"):
    """The arguments of `simulate_transactions`, checked."""

    n_customers: Annotated[int, Field(ge=0, le=_MAX_ROWS)]
    start: date
    end: date
    seed: Annotated[int, Field(ge=0)]
    purchases: SkipValidation[_Purchases]
    spend: SkipValidation[GammaGamma]
    acquisition_days: Annotated[int, Field(ge=1)] | None
    return_rate: _Share
    cost_rate: _Share | None
    categories: _Labels | None
    channels: _Labels | None

    @field_validator("end")
    @classmethod
    def _end_not_before_start(cls, end: date, info: ValidationInfo) -> date:
        start = info.data.get("start", end)
        if end < start:
            raise ValueError(f"end {end} is before start {start}")
        return end

    @field_validator("acquisition_days")
    @classmethod
    def _acquisition_within_period(cls, days: int | None, info: ValidationInfo) -> int | None:
        if days is not None and {"start", "end"} <= info.data.keys():
            period = (info.data["end"] - info.data["start"]).days + 1
            if days > period:
                raise ValueError(f"{days} days do not fit between start and end ({period} days)")
        return days

    @field_validator("purchases")
    @classmethod
    def _without_covariates(cls, model: _Purchases) -> _Purchases:
        _check_kind(model, get_args(_Purchases))
        if model.covariates:
            raise ValueError(
                f"the model asks for {list(model.covariates)} of each customer; give it values of "
                "these by its with_covariates({...})"
            )
        return model

    @field_validator("spend")
    @classmethod
    def _finite_mean(cls, model: GammaGamma) -> GammaGamma:
        _check_kind(model, (GammaGamma,))
        if model.q <= 1:
            raise ValueError(
                f"q must be above 1: below, the mean spend is infinite; it is {model.q}"
            )
        return model

    @field_validator("categories", "channels")
    @classmethod
    def _labels_distinct(cls, labels: tuple[str, ...] | None) -> tuple[str, ...] | None:
        repeated = sorted({label for label in labels or () if (labels or ()).count(label) > 1})
        if repeated:
            raise ValueError(f"names occur more than once: {repeated}")
        return labels

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1


def _check_kind(model: object, kinds: tuple[type, ...]) -> None:
    if not isinstance(model, kinds):
        names = ", ".join(kind.__name__ for kind in kinds)
        raise ValueError(f"a model of these is needed: {names}; got a {type(model).__name__}")  # noqa: TRY004  pydantic reports it


class _Streams(NamedTuple):
    """One independent random stream per thing drawn. Append only: the order is part of the seed."""

    purchases: np.random.Generator
    spend: np.random.Generator
    returns: np.random.Generator
    category: np.random.Generator
    channel: np.random.Generator


class _Histories(NamedTuple):
    """What each customer does after the first purchase, as arrays of one value per customer.

    Given these, the events are independent and uniform on `(0, active)`, but for the last one of a
    customer with `ends_active`, which falls on `active` itself. Every k-th event is a purchase.
    """

    events: IntArray
    active: FloatArray
    ends_active: npt.NDArray[np.bool_]
    k: int = 1

    @property
    def repeats(self) -> IntArray:
        """Repeat purchases."""
        return self.events // self.k


_DAY: Final = 86_400_000_000  # microseconds
_MAX_POISSON_MEAN: Final = 1e18  # numpy refuses more than an Int64 holds
_MIN_PROBABILITY: Final = 1e-18  # numpy refuses 0; no history is that long


def _generator(seed: np.random.SeedSequence) -> np.random.Generator:
    """Name the bit generator: numpy's default may change."""
    return np.random.Generator(np.random.PCG64(seed))


def _simulate_sales(options: _Options, streams: _Streams) -> pl.DataFrame:
    """Draw the sales, in microseconds since the start, and number them in the order of time."""
    n = options.n_customers
    rng = streams.purchases
    period = options.days * _DAY
    unit = options.purchases.days_per_unit * _DAY
    first = rng.random(n) * (options.acquisition_days or options.days) * _DAY
    window = (period - first) / unit
    histories = _draw_histories(options.purchases, window, rng)

    counts = _checked_counts(histories.repeats)
    elapsed = np.repeat(first, counts)
    elapsed += np.repeat(histories.active * unit, counts) * _draw_positions(histories, rng)
    ordered_at = np.minimum(elapsed.astype(np.int64), period - 1)
    ordered_at += (options.start - date(1970, 1, 1)).days * _DAY
    log = pl.DataFrame(
        {
            "customer_id": np.repeat(np.arange(1, n + 1), counts),
            "ordered_at": pl.Series(ordered_at).cast(pl.Datetime("us")),
            "amount": _draw_amounts(options.spend, counts, streams.spend),
        }
    ).sort("ordered_at", maintain_order=True)
    return log.insert_column(1, pl.int_range(1, log.height + 1, eager=True).alias("order_id"))


def _draw_histories(model: _Purchases, window: FloatArray, rng: np.random.Generator) -> _Histories:
    match model:
        case MbgCnbd():
            return _draw_mbg_cnbd(model, model.k, window, rng)
        case MbgNbd():
            return _draw_mbg_cnbd(model, 1, window, rng)
        case BgNbd():
            return _draw_bg_nbd(model, window, rng)
        case Nbd():
            return _draw_nbd(model, window, rng)
        case _:
            return _draw_pareto_nbd(model, window, rng)


def _draw_nbd(model: Nbd, window: FloatArray, rng: np.random.Generator) -> _Histories:
    """Draw NBD histories: Poisson purchases for ever."""
    rate = rng.standard_gamma(model.r, window.size) / model.alpha
    repeats = rng.poisson(np.minimum(rate * window, _MAX_POISSON_MEAN))
    return _Histories(repeats, window, np.zeros(window.size, dtype=np.bool_))


def _draw_mbg_cnbd(
    model: MbgNbd | MbgCnbd, k: int, window: FloatArray, rng: np.random.Generator
) -> _Histories:
    """Draw MBG/CNBD-k histories: every k-th Poisson event, cut as `_draw_bg_nbd` does.

    Who leaves at the first purchase does nothing more.
    """
    rate = rng.standard_gamma(model.r, window.size) / model.alpha
    dropout = rng.beta(model.a, model.b, window.size)
    possible = rng.poisson(np.minimum(rate * window, _MAX_POISSON_MEAN))
    last_repeat = rng.geometric(np.maximum(dropout, _MIN_PROBABILITY)) - 1
    left = last_repeat <= possible // k
    events = np.where(left, np.minimum(last_repeat, possible) * k, possible)
    active = window.copy()
    ends_active = left & (events > 0)
    cut = events[ends_active]
    active[ends_active] *= rng.beta(cut, possible[ends_active] - cut + 1)
    return _Histories(events, active, ends_active, k)


def _draw_bg_nbd(model: BgNbd, window: FloatArray, rng: np.random.Generator) -> _Histories:
    """Draw BG/NBD histories: Poisson purchases, cut at the geometric one after which one leaves.

    The k-th of m uniform moments is `window * Beta(k, m + 1 - k)`, and given it those before are
    uniform up to it: no purchase is drawn that the cut would take away again.
    """
    rate = rng.standard_gamma(model.r, window.size) / model.alpha
    dropout = rng.beta(model.a, model.b, window.size)
    possible = rng.poisson(np.minimum(rate * window, _MAX_POISSON_MEAN))
    until_dropout = rng.geometric(np.maximum(dropout, _MIN_PROBABILITY))
    left = until_dropout <= possible
    active = window.copy()
    active[left] *= rng.beta(until_dropout[left], (possible - until_dropout)[left] + 1)
    return _Histories(np.minimum(possible, until_dropout), active, left)


def _draw_pareto_nbd(model: ParetoNbd, window: FloatArray, rng: np.random.Generator) -> _Histories:
    """Draw Pareto/NBD histories: Poisson purchases while alive."""
    rate = rng.standard_gamma(model.r, window.size) / model.alpha
    death_rate = rng.standard_gamma(model.s, window.size) / model.beta
    with np.errstate(divide="ignore", over="ignore"):
        lifetime = rng.standard_exponential(window.size) / death_rate
    active = np.minimum(window, lifetime)
    repeats = rng.poisson(np.minimum(rate * active, _MAX_POISSON_MEAN))
    return _Histories(repeats, active, np.zeros(window.size, dtype=np.bool_))


def _checked_counts(repeats: IntArray) -> IntArray:
    """Add the first purchase, unless the log would be too long."""
    rows = repeats.sum(dtype=np.float64) + repeats.size
    if rows > _MAX_ROWS:
        raise OptionError(
            f"the log would have {rows:.3g} rows, polars holds {_MAX_ROWS}: "
            "take fewer customers, a shorter period or a lower purchase rate (r / alpha)"
        )
    return repeats + 1


def _draw_positions(histories: _Histories, rng: np.random.Generator) -> FloatArray:
    """Draw where in the active span each purchase lies: the first at 0, one that ends it at 1."""
    starts = histories.events + 1
    last = np.cumsum(starts) - 1
    position: FloatArray = rng.random(starts.sum())
    position[last - histories.events] = 0
    position[last[histories.ends_active]] = 1
    if histories.k == 1:
        return position
    # The first purchase is not an event: in order of time, it and every k-th event after it.
    owner = np.repeat(np.arange(starts.size), starts)
    rank = np.arange(position.size) - np.repeat(last - histories.events, starts)
    purchases: FloatArray = position[np.lexsort((position, owner))][rank % histories.k == 0]
    return purchases


def _draw_amounts(model: GammaGamma, counts: IntArray, rng: np.random.Generator) -> FloatArray:
    """Draw Gamma-Gamma amounts in cents, customer by customer."""
    rate = rng.standard_gamma(model.q, counts.size) / model.v
    amounts: FloatArray = rng.standard_gamma(model.p, counts.sum())
    amounts /= np.repeat(rate, counts)
    return np.maximum(amounts.round(2), 0.01, out=amounts)


def _draw_labels(labels: tuple[str, ...], size: int, rng: np.random.Generator) -> pl.Series:
    """Draw labels with weights 1, 1/2, 1/3 ..."""
    cumulative = np.cumsum(1 / np.arange(1, len(labels) + 1))
    codes = np.searchsorted(cumulative, rng.random(size) * cumulative[-1], side="right")
    return pl.Series(labels, dtype=pl.Enum(labels)).gather(codes.astype(np.uint32))


def _add_returns(log: pl.DataFrame, options: _Options, rng: np.random.Generator) -> pl.DataFrame:
    """Add a reversed copy of the orders that come back within the period."""
    returned = rng.random(log.height) < options.return_rate
    delay = rng.integers(1, 31, log.height) * _DAY
    kind = pl.Enum(["sale", "return"])
    returns = (
        log.with_columns(pl.col("ordered_at") + pl.Series(delay).cast(pl.Duration("us")))
        .filter(pl.Series(returned), pl.col("ordered_at").dt.date() <= options.end)
        .with_columns(-pl.col("^amount|cost$"), kind=pl.lit("return", dtype=kind))
    )
    sales = log.with_columns(kind=pl.lit("sale", dtype=kind))
    return pl.concat([sales, returns]).sort("ordered_at", "order_id")
