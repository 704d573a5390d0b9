from __future__ import annotations

import json
from datetime import date
from typing import Any

import polars as pl
import pytest

import customer_value as cv
from customer_value import stored
from customer_value._common.stored import StoredModel

DAY = date(1997, 9, 30)


@pytest.fixture(scope="module")
def cdnow() -> pl.DataFrame:
    return cv.summarize(cv.load_cdnow(), as_of=DAY)


@pytest.fixture(scope="module")
def bg(cdnow: pl.DataFrame) -> cv.BgNbd:
    return cv.fit_bg_nbd(cdnow)


@pytest.fixture(scope="module")
def gg(cdnow: pl.DataFrame) -> cv.GammaGamma:
    return cv.fit_gamma_gamma(cdnow)


def resorted(model: StoredModel) -> str:
    """As a column of jsonb gives it back."""
    return json.dumps(json.loads(model.model_dump_json()), sort_keys=True)


def changed(model: StoredModel, **fields: Any) -> str:
    return json.dumps(json.loads(model.model_dump_json()) | fields)


def test_each_registered_class_is_there_and_has_its_name() -> None:
    for name, place in stored._CLASSES.items():
        module, _, attribute = place.partition(":")
        model = getattr(__import__(module, fromlist=[attribute]), attribute)
        assert issubclass(model, StoredModel)
        assert model.model_fields["model"].default == name


def test_fitted_models_survive_json_in_any_order(cdnow: pl.DataFrame, bg: cv.BgNbd) -> None:
    models = [bg, cv.fit_gamma_gamma(cdnow), cv.fit_nbd(cdnow), cv.fit_pareto_nbd(cdnow)]
    models.append(cv.fit_bg_nbd(cdnow, covariates=["mean_purchase"]))
    for model in models:
        assert cv.load_model(model.model_dump_json()) == model
        assert cv.load_model(model.model_dump_json().encode()) == model
        assert cv.load_model(resorted(model)).model_dump_json() == model.model_dump_json()


def test_a_model_says_what_it_was_fitted_on(cdnow: pl.DataFrame, bg: cv.BgNbd) -> None:
    assert bg.fitted_on is not None
    assert bg.fitted_on.as_of == DAY
    assert bg.fitted_on.first_day == cdnow["first_purchase"].min()
    assert bg.fitted_on.n_customers == 2357
    weighted = cv.fit_bg_nbd(cdnow.with_columns(n=pl.lit(2)), weights="n")
    assert weighted.fitted_on is not None
    assert weighted.fitted_on.n_customers == 2 * 2357
    bare = cv.fit_bg_nbd(cdnow.select("repeat_purchases", "t_x", "T"))
    assert bare.fitted_on is not None
    assert bare.fitted_on.as_of is None
    assert cv.BgNbd(r=1, alpha=1, a=1, b=1).fitted_on is None


def test_intervals_do_not_hang_on_the_order_of_the_keys(
    cdnow: pl.DataFrame, bg: cv.BgNbd, gg: cv.GammaGamma
) -> None:
    terms: dict[str, Any] = {"margin": 0.3, "seed": 1, "options": cv.IntervalOptions(draws=200)}
    direct = cv.value_interval(cdnow, purchases=bg, spend=gg, **terms)
    again = cv.value_interval(
        cdnow,
        purchases=cv.load_model(resorted(bg), cv.BgNbd),
        spend=cv.load_model(resorted(gg), cv.GammaGamma),
        **terms,
    )
    assert again == direct
    assert direct.low > 0.8 * direct.total
    assert direct.high < 1.3 * direct.total


def test_the_interval_of_cdnow_after_a_database() -> None:
    """By the wrong order of the keys it was 17,022 to 158,224."""
    customers = cv.summarize(cv.load_cdnow(), as_of=date(1998, 6, 30))
    found = cv.value_interval(
        customers,
        purchases=cv.load_model(resorted(cv.fit_bg_nbd(customers)), cv.BgNbd),
        spend=cv.load_model(resorted(cv.fit_gamma_gamma(customers)), cv.GammaGamma),
        margin=0.3,
        seed=1,
    )
    assert (round(found.low), round(found.high)) == (18_518, 23_045)


def test_a_kind_can_be_asked_for(bg: cv.BgNbd) -> None:
    text = bg.model_dump_json()
    assert cv.load_model(text, cv.BgNbd).r == bg.r
    assert cv.load_model(text, cv.clv.PurchaseModel) == bg  # type: ignore[type-abstract]
    with pytest.raises(cv.OptionError, match="stored is a BgNbd, not a GammaGamma"):
        cv.load_model(text, cv.GammaGamma)


def test_models_are_frozen(bg: cv.BgNbd) -> None:
    with pytest.raises(ValueError, match="frozen"):
        bg.r = 1.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not json", "a stored model is JSON, and this is not"),
        ("[" * 100_000, "a stored model is JSON, and this is not"),
        (b"\xff\xfe\x00", "a stored model is JSON, and this is not"),
        ("{}", "a field 'model' names the model"),
        ("[1]", "a field 'model' names the model"),
        ('{"model": 3}', "a field 'model' names the model"),
        (
            '{"model": "crystal_ball", "library_version": "9.1"}',
            r"'crystal_ball' \(written by customer_value 9.1\); known are abc, bdw, bg_bb",
        ),
        ('{"model": "bg_nbd", "r": 1, "alpha": 1, "a": 1}', "'bg_nbd' cannot be read: b: field"),
        ('{"model": "gamma_gamma", "p": 1, "q": 2, "v": 3, "w": 4}', "w: extra inputs"),
        ('{"model": "sbg", "alpha": true, "beta": 1}', "alpha: a number is needed, not True"),
        ('{"model": "mbg_cnbd", "k": true, "r": 1, "alpha": 1, "a": 1, "b": 1}', "k: a number"),
        ('{"model": "nbd", "r": 1, "alpha": NaN}', "alpha: "),
        ('{"model": "nbd", "r": 1, "alpha": 1, "time_unit": "months"}', "time_unit: "),
        ('{"model": "nbd", "r": 1, "alpha": 1, "schema_version": 0}', "schema_version: stored as"),
    ],
)
def test_other_text_is_refused_in_words(text: str | bytes, message: str) -> None:
    with pytest.raises(cv.DataError, match=message):
        cv.load_model(text)


def test_what_a_later_version_wrote_is_refused(bg: cv.BgNbd) -> None:
    later = changed(bg, schema_version=2, library_version="7.0", shape="new")
    with pytest.raises(cv.DataError, match=r"version 2 \(written by customer_value 7.0\).*install"):
        cv.load_model(later)


def test_only_text_is_read(bg: cv.BgNbd) -> None:
    with pytest.raises(cv.OptionError, match="json must be a str or bytes, got a dict"):
        cv.load_model(bg.model_dump())  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("covariance", "message"),
    [
        ([], "needs 4 rows of 4 numbers"),
        ([[1.0, 0.0], [0.0]], "needs 4 rows of 4 numbers"),
        ([[-1.0 if i == j else 0.0 for i in range(4)] for j in range(4)], "not above 0"),
        ([[1.0 if i == j else 2.0 for i in range(4)] for j in range(4)], "outside -1 .. 1"),
        ([[1.0 if i <= j else 0.5 for i in range(4)] for j in range(4)], "not symmetric"),
        ([[float("nan")] * 4] * 4, "finite number"),
        ([[True] * 4] * 4, "a number is needed, not True"),
    ],
)
def test_covariances_that_cannot_be_are_refused(
    bg: cv.BgNbd, covariance: object, message: str
) -> None:
    assert bg.fit is not None
    fit = json.loads(bg.fit.model_dump_json()) | {"covariance": covariance}
    with pytest.raises(cv.DataError, match=message):
        cv.load_model(changed(bg, fit=fit))


def test_a_fit_belongs_to_its_model(bg: cv.BgNbd, gg: cv.GammaGamma) -> None:
    assert gg.fit is not None
    with pytest.raises(cv.DataError, match="the fit is of another model, with p, q, v"):
        cv.load_model(changed(bg, fit=json.loads(gg.fit.model_dump_json())))


@pytest.mark.parametrize("name", ["T", "t_x", "repeat_purchases", "r", "alpha"])
def test_effects_cannot_be_named_as_the_history_or_a_parameter(bg: cv.BgNbd, name: str) -> None:
    effects = {"purchase": {name: 0.5}, "attrition": {}}
    with pytest.raises(cv.DataError, match=f"\\['{name}'\\]"):
        cv.load_model(changed(bg, effects=effects, fit=None))
