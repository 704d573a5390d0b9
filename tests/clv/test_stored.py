from __future__ import annotations

import json

import pytest

import customer_value as cv


def test_fitted_models_survive_json(bg: cv.BgNbd, gg: cv.GammaGamma) -> None:
    for model in (bg, gg):
        assert cv.load_model(model.model_dump_json()) == model
        assert cv.load_model(model.model_dump_json().encode()) == model


def test_models_are_frozen(bg: cv.BgNbd) -> None:
    with pytest.raises(ValueError, match="frozen"):
        bg.r = 1.0  # type: ignore[misc]


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "{}",
        json.dumps({"model": "crystal_ball"}),
        json.dumps({"model": "bg_nbd", "r": 1, "alpha": 1, "a": 1}),
        json.dumps({"model": "gamma_gamma", "p": 1, "q": 2, "v": 3, "w": 4}),
    ],
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="validation error"):
        cv.load_model(text)
