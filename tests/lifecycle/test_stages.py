from __future__ import annotations

import math
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import customer_value as cv

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY = date(2024, 6, 30)
ADDED = ["stage", "stage_since", "dwell_days", "rule_fired"]
GAP_10 = cv.StageOptions(typical_gap_days=10.0)


class Buyer(NamedTuple):
    """One customer; nothing is known of one who never bought."""

    purchases: int | None = 2
    recency: int | None = 0
    t_x: int | None = 10
    p_alive: float | None = None
    trend: float | None = None

    @property
    def age(self) -> int | None:
        return None if self.t_x is None or self.recency is None else self.t_x + self.recency


NOBODY = Buyer(purchases=0, recency=None, t_x=None)


def frame(buyers: Sequence[Buyer], *optional: str) -> pl.DataFrame:
    columns: dict[str, list[Any]] = {
        "customer_id": [f"c{i}" for i in range(len(buyers))],
        "as_of": [DAY] * len(buyers),
        "purchases": [b.purchases for b in buyers],
        "repeat_purchases": [b.purchases - 1 if b.purchases else None for b in buyers],
        "recency_days": [b.recency for b in buyers],
        "t_x": [b.t_x for b in buyers],
        "T": [b.age for b in buyers],
        "p_alive": [b.p_alive for b in buyers],
        "trend": [b.trend for b in buyers],
    }
    numbers = dict.fromkeys(("purchases", "repeat_purchases", "recency_days"), pl.Int64)
    floats = dict.fromkeys(("t_x", "T", "p_alive", "trend"), pl.Float64)
    schema = {"customer_id": pl.String, "as_of": pl.Date, **numbers, **floats}
    whole = pl.DataFrame(columns, schema=schema)
    return whole.drop({"p_alive", "trend"} - set(optional))


def stages(buyers: Sequence[Buyer], *optional: str, rules: cv.StageOptions = GAP_10) -> list[str]:
    return cv.assign_stages(frame(buyers, *optional), options=rules)["stage"].to_list()


def stage_of(buyer: Buyer, *optional: str, rules: cv.StageOptions = GAP_10) -> str:
    return stages([buyer], *optional, rules=rules)[0]


def snapshot(stages: dict[str, str], since: date | None = None) -> pl.DataFrame:
    before = pl.DataFrame({"customer_id": list(stages), "stage": list(stages.values())})
    return before if since is None else before.with_columns(stage_since=pl.lit(since))


# --- against the twin ---


def twin(
    buyers: Sequence[Buyer], rules: cv.StageOptions, before: dict[int, str]
) -> list[tuple[str, str]]:
    """The documented rules in their order, one customer at a time."""
    real = [b for b in buyers if b.purchases and b.t_x is not None]
    gaps, days = sum((b.purchases or 1) - 1 for b in real), sum(b.t_x or 0 for b in real)
    typical = rules.typical_gap_days or (days / gaps if gaps and days else None)
    return [_twin_of(b, typical, rules, before.get(i)) for i, b in enumerate(buyers)]


def _twin_of(  # noqa: C901, PLR0911
    b: Buyer, typical: float | None, rules: cv.StageOptions, was: str | None
) -> tuple[str, str]:
    if not b.purchases or b.recency is None or b.t_x is None or b.age is None:
        return "prospect", "no purchase"
    silence = -1.0
    if typical is not None:
        silence = b.recency / (
            (b.t_x + rules.prior_gaps * typical) / (b.purchases - 1 + rules.prior_gaps)
        )
    if silence >= rules.lost_silence:
        return "lost", f"silence of {rules.lost_silence:g} gaps or more"
    if b.p_alive is not None and b.p_alive < rules.lost_p_alive:
        return "lost", f"p_alive below {rules.lost_p_alive:g}"
    if was == "lost" and 0 <= silence <= 1:
        return "reactivated", "bought again after being lost"
    if silence >= rules.at_risk_silence:
        return "at_risk", f"silence of {rules.at_risk_silence:g} gaps or more"
    if b.p_alive is not None and b.p_alive < rules.at_risk_p_alive:
        return "at_risk", f"p_alive below {rules.at_risk_p_alive:g}"
    if b.purchases == 1 or b.age < rules.new_days:
        return "new", f"one purchase, or first within {rules.new_days} days"
    if b.trend is not None and b.trend <= -rules.trend:
        return "declining", f"trend of -{rules.trend:g} or less"
    if b.trend is not None and b.trend >= rules.trend:
        return "growing", f"trend of {rules.trend:g} or more"
    if b.purchases < rules.trusted_purchases:
        return "growing", f"fewer than {rules.trusted_purchases} purchases"
    return "stable", "none of the others"


buyers = st.one_of(
    st.just(NOBODY),
    st.builds(
        Buyer,
        purchases=st.just(1),
        recency=st.integers(0, 120),
        t_x=st.just(0),
        p_alive=st.sampled_from([None, 0.05, 0.1, 0.3, 0.5, 1.0]),
        trend=st.none(),
    ),
    st.builds(
        Buyer,
        purchases=st.integers(2, 8),
        recency=st.integers(0, 120),
        t_x=st.integers(1, 300),
        p_alive=st.sampled_from([None, 0.05, 0.1, 0.3, 0.5, 1.0]),
        trend=st.sampled_from([None, -1.0, -0.25, -0.1, 0.0, 0.25, 2.0]),
    ),
)
all_rules = st.sampled_from(
    [
        cv.StageOptions(),
        GAP_10,
        cv.StageOptions(lost_silence=2.0, new_days=0, trusted_purchases=2, prior_gaps=0.5),
        cv.StageOptions(at_risk_silence=0.5, lost_p_alive=0.5, at_risk_p_alive=0.5, trend=0.1),
    ]
)


@given(
    shop=st.lists(buyers, min_size=1, max_size=25).filter(
        lambda shop: any((b.purchases or 0) > 1 for b in shop)
    ),
    rules=all_rules,
    before=st.dictionaries(st.integers(0, 30), st.sampled_from(["lost", "new", "stable"])),
)
@settings(max_examples=150, deadline=None)
def test_stages_are_those_of_the_twin(
    shop: list[Buyer], rules: cv.StageOptions, before: dict[int, str]
) -> None:
    customers = frame(shop, "p_alive", "trend")
    previous = pl.DataFrame(
        {"customer_id": [f"c{i}" for i in before], "stage": list(before.values())},
        schema={"customer_id": pl.String, "stage": pl.String},
    )
    staged = cv.assign_stages(customers, options=rules, previous=previous)
    assert staged.select("stage", "rule_fired").rows() == twin(shop, rules, before)
    assert staged.drop(ADDED).equals(customers)


@given(shop=st.lists(buyers, min_size=1, max_size=25), seed=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_the_order_of_the_rows_does_not_matter(shop: list[Buyer], seed: int) -> None:
    customers = frame(shop)
    shuffled = customers.sample(fraction=1, shuffle=True, seed=seed)
    staged = cv.assign_stages(shuffled)
    assert staged.drop(ADDED).equals(shuffled)
    assert staged.sort("customer_id").equals(cv.assign_stages(customers).sort("customer_id"))


# --- rule by rule; the typical gap is 10 days, and so is the customer's own ---


def test_prospect() -> None:
    assert stage_of(NOBODY) == "prospect"
    returns = pl.DataFrame(
        {"customer_id": ["a"], "ordered_at": [date(2024, 6, 1)], "amount": [-5.0]}
    )
    staged = cv.assign_stages(cv.summarize(returns, as_of=DAY))
    assert staged.select(ADDED).row(0) == ("prospect", DAY, 0, "no purchase")


@pytest.mark.parametrize(
    ("recency", "stage"),
    [(0, "new"), (19, "new"), (20, "at_risk"), (39, "at_risk"), (40, "lost"), (4000, "lost")],
)
def test_silence_counts_from_the_threshold(recency: int, stage: str) -> None:
    assert stage_of(Buyer(purchases=2, t_x=10, recency=recency)) == stage


@pytest.mark.parametrize(("recency", "stage"), [(79, "at_risk"), (80, "lost")])
def test_the_expected_gap_weighs_the_customers_own(recency: int, stage: str) -> None:
    """x = 1 gap of 30 days and one of 10 typical days make 20 days."""
    assert stage_of(Buyer(purchases=2, t_x=30, recency=recency)) == stage


@pytest.mark.parametrize(("recency", "stage"), [(99, "at_risk"), (100, "lost")])
def test_the_weight_of_the_typical_gap(recency: int, stage: str) -> None:
    """x = 1 gap of 55 days and three of 15 days make 25 days."""
    rules = cv.StageOptions(typical_gap_days=15.0, prior_gaps=3.0)
    assert stage_of(Buyer(purchases=2, t_x=55, recency=recency), rules=rules) == stage


@pytest.mark.parametrize(("recency", "stage"), [(39, "at_risk"), (40, "lost")])
def test_one_purchase_is_measured_by_the_typical_gap(recency: int, stage: str) -> None:
    assert stage_of(Buyer(purchases=1, t_x=0, recency=recency)) == stage


def test_the_typical_gap_is_the_mean_of_all_gaps() -> None:
    """Three gaps of 40 days in all and one of 20: 15 days."""
    shop = [
        Buyer(purchases=4, t_x=40),
        Buyer(purchases=2, t_x=20),
        Buyer(purchases=1, t_x=0, recency=59),
        Buyer(purchases=1, t_x=0, recency=60),
        NOBODY,
    ]
    assert stages(shop, rules=cv.StageOptions())[2:] == ["at_risk", "lost", "prospect"]


@pytest.mark.parametrize(
    ("p_alive", "stage"),
    [(0.0, "lost"), (0.0999, "lost"), (0.1, "at_risk"), (0.4999, "at_risk"), (0.5, "new")],
)
def test_p_alive_counts_below_the_threshold(p_alive: float, stage: str) -> None:
    buyer = Buyer(p_alive=p_alive)
    assert stage_of(buyer, "p_alive") == stage
    assert stage_of(buyer) == "new"


def test_an_unknown_p_alive_decides_nothing() -> None:
    assert stage_of(Buyer(p_alive=None), "p_alive") == "new"
    assert stage_of(Buyer(p_alive=math.nan), "p_alive") == "new"


@pytest.mark.parametrize(("age", "stage"), [(29, "new"), (30, "growing")])
def test_new_ends_with_the_last_of_its_days(age: int, stage: str) -> None:
    assert stage_of(Buyer(purchases=2, t_x=age, recency=0)) == stage


def test_a_single_purchase_stays_new() -> None:
    rules = cv.StageOptions(typical_gap_days=1000.0)
    assert stage_of(Buyer(purchases=1, t_x=0, recency=900), rules=rules) == "new"


@pytest.mark.parametrize(
    ("trend", "stage"),
    [
        (-1.0, "declining"),
        (-0.25, "declining"),
        (-0.2499, "stable"),
        (0.0, "stable"),
        (0.2499, "stable"),
        (0.25, "growing"),
        (None, "stable"),
        (math.nan, "stable"),
    ],
)
def test_trend_counts_from_the_threshold(trend: float | None, stage: str) -> None:
    old = Buyer(purchases=6, t_x=50, trend=trend)
    assert stage_of(old, "trend") == stage
    assert stage_of(old) == "stable"


@pytest.mark.parametrize(("purchases", "stage"), [(3, "growing"), (4, "stable")])
def test_trusted_from_the_fourth_purchase(purchases: int, stage: str) -> None:
    assert stage_of(Buyer(purchases=purchases, t_x=50)) == stage


def test_the_first_rule_that_fires_decides() -> None:
    """A customer to whom all rules apply, freed of one after the other."""
    worst = Buyer(purchases=1, t_x=0, recency=40, p_alive=0.05, trend=-1.0)
    assert stage_of(worst, "p_alive", "trend") == "lost"
    assert stage_of(worst._replace(recency=10), "p_alive", "trend") == "lost"
    assert stage_of(worst._replace(recency=20, p_alive=0.2), "p_alive", "trend") == "at_risk"
    assert stage_of(worst._replace(recency=10, p_alive=0.2), "p_alive", "trend") == "at_risk"
    assert stage_of(worst._replace(recency=10, p_alive=0.9), "p_alive", "trend") == "new"
    declines = Buyer(purchases=2, t_x=50, p_alive=0.9, trend=-1.0)
    assert stage_of(declines, "p_alive", "trend") == "declining"
    assert stage_of(declines._replace(trend=0.0), "p_alive", "trend") == "growing"


def test_rules_say_which_of_them_fired() -> None:
    shop = [Buyer(recency=40), Buyer(p_alive=0.05), Buyer(purchases=6, t_x=50, trend=0.3)]
    fired = cv.assign_stages(frame(shop, "p_alive", "trend"), options=GAP_10)["rule_fired"]
    assert fired.to_list() == [
        "silence of 4 gaps or more",
        "p_alive below 0.1",
        "trend of 0.25 or more",
    ]


# --- contracts ---


def contract(
    start: date | None, end: date | None, rules: cv.StageOptions, **words: Any
) -> tuple[str, str]:
    """Stage by a contract of somebody who bought long ago, or as `buyer` says."""
    customers = frame([words.pop("buyer", Buyer(recency=9999))], *words.pop("optional", ()))
    dates = {"contract_start": start, "contract_end": end}
    customers = customers.with_columns(pl.lit(v, pl.Date).alias(k) for k, v in dates.items())
    staged = cv.assign_stages(customers, options=rules, **words)
    row: tuple[str, str] = staged.select("stage", "rule_fired").row(0)
    return row


@pytest.mark.parametrize(
    ("end", "stage"),
    [
        (None, "stable"),
        (date(2024, 12, 31), "stable"),
        (date(2024, 6, 30), "stable"),
        (date(2024, 6, 29), "at_risk"),
        (date(2024, 6, 16), "at_risk"),
        (date(2024, 6, 15), "lost"),
    ],
)
def test_contracts_go_by_their_dates_and_grace(end: date | None, stage: str) -> None:
    rules = cv.StageOptions(contract_grace_days=14, typical_gap_days=10)
    assert contract(date(2023, 1, 1), end, rules)[0] == stage


def test_contracts_agree_with_contract_churn() -> None:
    """Who is lost by the stages is who is lost by the accounts, day by day."""
    rules = cv.StageOptions(contract_grace_days=7)
    for days in range(12):
        end = date(2024, 6, 30 - days)
        table = pl.DataFrame(
            {"customer_id": [1], "contract_start": [date(2024, 1, 1)], "contract_end": [end]}
        )
        lost = cv.contracts.contract_churn(table, as_of=DAY, grace_days=7)["lost"].sum()
        assert (contract(date(2024, 1, 1), end, rules)[0] == "lost") == bool(lost)


def test_contracts_begin_come_back_and_have_a_trend() -> None:
    start, open_end = date(2023, 1, 1), None
    assert contract(date(2024, 6, 1), open_end, GAP_10, buyer=NOBODY)[0] == "new"
    assert contract(date(2024, 5, 31), open_end, GAP_10, buyer=NOBODY)[0] == "stable"
    declining = Buyer(purchases=1, trend=-0.5)
    words: dict[str, Any] = {"buyer": declining, "optional": ("trend",)}
    assert contract(start, open_end, GAP_10, **words)[0] == "declining"
    back = contract(start, open_end, GAP_10, previous=snapshot({"c0": "lost"}))
    assert back == ("reactivated", "under contract after being lost")
    gone = contract(start, start, GAP_10, previous=snapshot({"c0": "lost"}))
    assert gone == ("lost", "contract over, 0 days of grace too")


def test_who_has_no_contract_yet_is_judged_by_purchases() -> None:
    assert contract(None, None, GAP_10)[0] == "lost"
    assert contract(date(2024, 7, 1), None, GAP_10)[0] == "lost"
    assert contract(None, None, GAP_10, buyer=NOBODY)[0] == "prospect"


def test_an_end_alone_is_a_contract() -> None:
    ends = [DAY, date(2024, 6, 29), None]
    customers = frame([Buyer(recency=9999)] * 3).with_columns(contract_end=pl.Series(ends))
    staged = cv.assign_stages(customers, options=cv.StageOptions(contract_grace_days=5))
    assert staged["stage"].to_list() == ["stable", "at_risk", "lost"]
    with pytest.raises(cv.SchemaError, match="'contract_end' is String, must be Date"):
        cv.assign_stages(customers.with_columns(contract_end=pl.lit("2024")))


# --- no earlier snapshot, but the gap before the last purchase ---


@pytest.mark.parametrize(
    ("rules", "stages_then"),
    [
        # A gap of 90 days and three of 10 typical days make an expected gap of 30 days.
        (
            cv.StageOptions(typical_gap_days=10, prior_gaps=3, lost_silence=3),
            ("new", "reactivated"),
        ),
        (
            cv.StageOptions(silence=cv.lifecycle.FixedDays(at_risk=50, lost=90)),
            ("new", "reactivated"),
        ),
        (cv.StageOptions(silence=cv.lifecycle.AliveOnly()), ("new", "new")),
    ],
)
def test_a_long_gap_before_the_last_purchase(
    rules: cv.StageOptions, stages_then: tuple[str, str]
) -> None:
    customers = frame([Buyer(t_x=90), Buyer(t_x=90)], "p_alive")
    gaps = pl.Series("last_gap_days", [89, 90])
    customers = customers.with_columns(gaps, p_alive=pl.lit(1.0), T=pl.lit(20.0))
    staged = cv.assign_stages(customers, options=rules)
    assert tuple(staged["stage"]) == stages_then
    unknown = customers.with_columns(last_gap_days=pl.Series([math.nan, None]))
    assert cv.assign_stages(unknown, options=rules)["stage"].to_list() == ["new", "new"]
    # An earlier snapshot knows better.
    known = cv.assign_stages(customers, options=rules, previous=snapshot({"c1": "at_risk"}))
    assert known["stage"].to_list() == ["new", "new"]


# --- other names ---


def test_other_sets_of_stages_are_added_as_columns() -> None:
    customers = frame([Buyer(), Buyer(recency=40), NOBODY])
    words: dict[str, Any] = {"rules": GAP_10, "taxonomy": ["growth", "value"], "locale": "zh"}
    lazy = cv.assign_stages(customers.lazy(), **words)
    for found in (cv.assign_stages(customers, **words), lazy.collect()):
        assert found.columns == [*customers.columns, *ADDED, "stage_growth", "stage_value"]
        assert found["stage"].to_list() == ["new", "lost", "prospect"]
        assert found["stage_growth"].to_list() == ["获取期", "离开期", "获取期"]
        assert found["stage_value"].to_list() == ["新客户", "老客户", "潜在客户"]


# --- an earlier snapshot ---


@pytest.mark.parametrize(
    ("recency", "stage"), [(0, "reactivated"), (10, "reactivated"), (11, "new")]
)
def test_reactivated_when_lost_before_and_back(recency: int, stage: str) -> None:
    customers = frame([Buyer(recency=recency)])
    previous = snapshot({"c0": "lost"})
    staged = cv.assign_stages(customers, options=GAP_10, previous=previous)
    assert staged["stage"].to_list() == [stage]


def test_reactivated_is_before_at_risk_and_after_lost() -> None:
    customers = frame([Buyer(p_alive=0.2), Buyer(p_alive=0.05)], "p_alive")
    previous = snapshot({"c0": "lost", "c1": "lost"})
    staged = cv.assign_stages(customers, options=GAP_10, previous=previous)
    assert staged["stage"].to_list() == ["reactivated", "lost"]


def test_nobody_is_reactivated_who_was_not_lost() -> None:
    customers = frame([Buyer(), Buyer(), Buyer()])
    previous = snapshot({"c0": "at_risk", "c1": "reactivated", "gone": "lost"})
    staged = cv.assign_stages(customers, options=GAP_10, previous=previous)
    assert staged["stage"].to_list() == ["new", "new", "new"]


def test_since_is_kept_while_the_stage_lasts_and_renewed_when_it_changes() -> None:
    customers = frame([Buyer(), Buyer(), Buyer()])
    previous = snapshot({"c0": "new", "c1": "prospect"}, since=date(2024, 5, 31))
    staged = cv.assign_stages(customers, options=GAP_10, previous=previous)
    assert staged["stage"].to_list() == ["new", "new", "new"]
    assert staged["stage_since"].to_list() == [date(2024, 5, 31), DAY, DAY]
    assert staged["dwell_days"].to_list() == [30, 0, 0]
    assert staged.schema["stage_since"] == pl.Date


def test_since_without_a_date_in_the_earlier_snapshot() -> None:
    previous = snapshot({"c0": "new"})
    staged = cv.assign_stages(frame([Buyer()]), options=GAP_10, previous=previous)
    assert staged["stage_since"].to_list() == [DAY]
    assert cv.assign_stages(frame([Buyer()]))["stage_since"].to_list() == [DAY]


def test_snapshots_chain() -> None:
    log = cv.load_cdnow()
    previous = None
    for month in (date(1998, 4, 30), date(1998, 5, 31), date(1998, 6, 30)):
        customers = cv.summarize(log, as_of=month)
        staged = cv.assign_stages(customers, previous=previous)
        assert staged.columns == [*customers.columns, *ADDED]
        if previous is not None:
            both = staged.join(previous, on="customer_id", suffix="_before")
            same = pl.col("stage") == pl.col("stage_before")
            kept = pl.when(same).then("stage_since_before").otherwise("as_of")
            assert both.select((pl.col("stage_since") == kept).all()).item()
            back = both.filter(pl.col("stage") == "reactivated")
            assert set(back["stage_before"]) <= {"lost"}
        previous = staged
    assert previous is not None
    assert "reactivated" in previous["stage"]


def test_a_staged_frame_can_be_staged_again() -> None:
    """Stages and what else the frame already carries do not get in the way."""
    previous = snapshot({"c0": "new"}, since=date(2024, 5, 31))
    customers = frame([Buyer()]).with_columns(_stage=pl.lit("mine"), _since=pl.lit("mine"))
    once = cv.assign_stages(customers, options=GAP_10, previous=previous)
    assert once.columns == [*customers.columns, *ADDED]
    assert cv.assign_stages(once, options=GAP_10, previous=previous).equals(once)


@pytest.mark.parametrize("lazy", [False, True])
def test_an_earlier_snapshot_knows_each_customer_once(*, lazy: bool) -> None:
    twice = pl.concat([snapshot({"c0": "new"}), snapshot({"c0": "lost"})])
    customers = frame([Buyer()])
    with pytest.raises(cv.DataError, match=r"previous: customers more than once: 1 .*c0"):
        cv.assign_stages(customers.lazy() if lazy else customers, previous=twice).lazy().collect()


def test_an_earlier_snapshot_is_checked() -> None:
    customers = frame([Buyer()])
    with pytest.raises(cv.SchemaError, match="previous: missing column 'stage'"):
        cv.assign_stages(customers, previous=customers)
    with pytest.raises(cv.SchemaError, match="customers: missing column 'customer_id'"):
        cv.assign_stages(customers.drop("customer_id"), previous=snapshot({"c0": "new"}))
    other = pl.DataFrame({"customer_id": [0], "stage": ["new"]})
    with pytest.raises(cv.SchemaError, match="previous: 'customer_id' is Int64, but String"):
        cv.assign_stages(customers, previous=other)


@pytest.mark.parametrize("read", ["table", "stream"])
def test_an_earlier_snapshot_may_be_any_arrow_table(read: str) -> None:
    """A stream can be read only once."""
    table = snapshot({"c0": "lost"}, since=date(2024, 5, 31)).to_arrow()
    previous = table if read == "table" else table.to_reader()
    staged = cv.assign_stages(frame([Buyer()]), options=GAP_10, previous=previous)
    assert staged["stage"].to_list() == ["reactivated"]


@pytest.mark.parametrize("since", ["2024-05-31", datetime(2024, 5, 31)])  # noqa: DTZ001
def test_since_is_a_date(since: object) -> None:
    previous = snapshot({"c0": "new"}).with_columns(stage_since=pl.lit(since))
    with pytest.raises(cv.SchemaError, match=r"'stage_since' is .* must be Date"):
        cv.assign_stages(frame([Buyer()]), previous=previous)


# --- degenerate shops and frames ---


@pytest.mark.parametrize("n", [1, 5])
def test_where_nobody_repeats_nobody_is_lost(n: int) -> None:
    """No gap is known, so that no silence can be too long."""
    shop = [Buyer(purchases=1, t_x=0, recency=7 * i) for i in range(n)]
    assert stages(shop, rules=cv.StageOptions()) == ["new"] * n
    alive = [b._replace(p_alive=0.2) for b in shop]
    assert stages(alive, "p_alive", rules=cv.StageOptions()) == ["at_risk"] * n


def test_where_everybody_repeats_on_one_day_nobody_is_lost() -> None:
    """Orders of one day have gaps of zero: no typical gap either."""
    shop = [Buyer(purchases=3, t_x=0, recency=50)]
    assert stages(shop, rules=cv.StageOptions()) == ["growing"]


def test_nobody() -> None:
    staged = cv.assign_stages(frame([]))
    assert staged.is_empty()
    assert staged.columns[-4:] == ADDED


def test_types() -> None:
    schema = cv.assign_stages(frame([Buyer()])).schema
    assert [schema[name] for name in ADDED] == [pl.String, pl.Date, pl.Int64, pl.String]


@pytest.mark.parametrize("lazy_before", [False, True])
def test_lazy_in_lazy_out(*, lazy_before: bool) -> None:
    customers = cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30))
    before = cv.assign_stages(cv.summarize(cv.load_cdnow(), as_of=date(1998, 3, 31)))
    previous = before.lazy() if lazy_before else before
    lazy = cv.assign_stages(customers.lazy(), previous=previous)
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect().equals(cv.assign_stages(customers, previous=before))
    alone = cv.assign_stages(customers.lazy())
    assert isinstance(alone, pl.LazyFrame)
    assert alone.collect().equals(cv.assign_stages(customers))


def test_pandas_comes_in() -> None:
    customers = frame([Buyer(), Buyer(recency=40), NOBODY])
    arrow = customers.to_arrow().to_pandas(date_as_object=True)
    assert cv.assign_stages(arrow, options=GAP_10)["stage"].to_list() == ["new", "lost", "prospect"]


def test_every_missing_column_is_named() -> None:
    with pytest.raises(cv.SchemaError, match="missing columns 'as_of', 'purchases'"):
        cv.assign_stages(pl.DataFrame({"T": [1.0]}))


@pytest.mark.parametrize("name", ["purchases", "recency_days", "t_x", "T", "p_alive", "trend"])
def test_text_is_no_number(name: str) -> None:
    customers = frame([Buyer()], "p_alive", "trend").with_columns(pl.lit("x").alias(name))
    with pytest.raises(cv.SchemaError, match=f"'{name}' is String, must be a number"):
        cv.assign_stages(customers)


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("name", ["purchases", "repeat_purchases", "recency_days", "t_x", "T"])
def test_histories_that_are_no_numbers_are_refused(name: str, value: float) -> None:
    """NaN is greater than any threshold to polars, which would make a customer lost."""
    customers = frame([Buyer()]).with_columns(pl.lit(value).alias(name))
    with pytest.raises(cv.DataError, match=rf"1 row with NaN or infinite .*{name}"):
        cv.assign_stages(customers)
    lazy = cv.assign_stages(customers.lazy())
    with pytest.raises(cv.DataError, match=rf"1 row with NaN or infinite .*{name}"):
        lazy.collect()


# --- rules ---


@pytest.mark.parametrize(
    "words",
    [
        {"lost_silence": 0.0},
        {"at_risk_silence": -1.0},
        {"lost_silence": math.nan},
        {"lost_p_alive": 1.5},
        {"at_risk_p_alive": -0.1},
        {"new_days": -1},
        {"trend": 0.0},
        {"trusted_purchases": 1},
        {"typical_gap_days": 0.0},
        {"prior_gaps": 0.0},
        {"silence": 3.0},
    ],
)
def test_rules_are_checked(words: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match=next(iter(words))):
        cv.StageOptions.model_validate(words)


@pytest.mark.parametrize(
    "words", [{"lost_silence": 1.0}, {"at_risk_silence": 5.0}, {"lost_p_alive": 0.6}]
)
def test_lost_is_further_gone_than_at_risk(words: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match="a lost customer must be further gone"):
        cv.StageOptions.model_validate(words)


def test_rules_survive_json_and_are_frozen() -> None:
    rules = cv.StageOptions(lost_silence=6.0, typical_gap_days=12.5)
    assert cv.StageOptions.model_validate_json(rules.model_dump_json()) == rules
    with pytest.raises(ValidationError, match="frozen"):
        rules.trend = 0.5  # type: ignore[misc]
