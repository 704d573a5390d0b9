"""What every fitted model keeps: plain JSON of any key order, read by one reader."""

from __future__ import annotations

import json

import pytest

import customer_value as cv
from customer_value import stored
from customer_value._common.stored import StoredModel
from laws import world as w
from laws.cases import CASES
from laws.registry import PUBLIC

FITS = sorted(name for name in PUBLIC if name.rpartition(".")[2].startswith("fit_"))


def fit(name: str) -> StoredModel:
    case = CASES[name]
    model = PUBLIC[name](case.first(), **case.rest())
    assert isinstance(model, StoredModel)
    return model


@pytest.mark.parametrize("name", FITS)
def test_it_comes_back_from_json_whose_keys_were_sorted(name: str) -> None:
    model = fit(name)
    sorted_keys = json.dumps(json.loads(model.model_dump_json()), sort_keys=True)
    assert cv.load_model(sorted_keys) == model


@pytest.mark.parametrize("name", FITS)
def test_it_says_what_it_was_fitted_on(name: str) -> None:
    model = fit(name)
    assert model.library_version == cv.__version__
    assert model.fitted_on is not None
    assert model.fitted_on.n_customers > 0


@pytest.mark.parametrize("name", FITS)
def test_a_newer_one_is_refused_in_words(name: str) -> None:
    content = json.loads(fit(name).model_dump_json()) | {"schema_version": 99}
    with pytest.raises(cv.DataError, match="99"):
        cv.load_model(json.dumps(content))


def test_every_model_has_a_line_in_the_reader() -> None:
    fitted = {json.loads(fit(name).model_dump_json())["model"] for name in FITS}
    assert fitted <= stored._CLASSES.keys()


@pytest.mark.parametrize("junk", ["{}", "[]", "no json", '{"model": "other"}', '{"model": 3}'])
def test_what_is_not_a_model_is_refused(junk: str) -> None:
    with pytest.raises(cv.DataError):
        cv.load_model(junk)


def test_every_output_feeds_the_next_function_with_its_defaults() -> None:
    customers = w.customers()
    after = customers.pipe(cv.lifecycle.value_at_risk).pipe(cv.equity.existing_value)
    assert after["value_at_risk"].null_count() < after.height
    offers = customers.pipe(
        cv.allocation.retention_offer_gain, success=0.2, acceptance=0.1, offer_cost=10.0
    )
    assert offers["offer_gain"].null_count() < offers.height
    assert customers.pipe(cv.equity.customer_equity, churn="churn_risk").height == 1
    matrix = cv.migration_matrix(w.earlier(), customers)
    states = [*matrix["stage"].to_list(), *matrix["next_stage"].to_list()]
    rewards = dict.fromkeys((str(state) for state in states), 1.0)
    assert cv.clv.markov_value(matrix, rewards, rate_per_period=0.1).height > 0
    renewals = cv.contracts.summarize_contracts(w.contracts(), as_of="2024-06-30")
    assert cv.fit_sbg(renewals).fit is not None
    assert cv.survival_curve(renewals).height > 0
    units = customers.select("customer_id", "clv").with_columns(cac=5.0, profit_per_period=2.0)
    paid = units.pipe(cv.profit.clv_to_cac).pipe(cv.profit.payback_months)
    assert paid["payback_months"].null_count() == 0
