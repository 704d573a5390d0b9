from __future__ import annotations

from datetime import date

import polars as pl
import pytest

import customer_value as cv


@pytest.fixture(scope="session")
def cdnow() -> pl.DataFrame:
    """CDNOW's customers at the end of the calibration period, with the holdout."""
    return cv.split_holdout(
        cv.load_cdnow(), calibration_end=date(1997, 9, 30), holdout_end=date(1998, 6, 30)
    )


@pytest.fixture(scope="session")
def bg(cdnow: pl.DataFrame) -> cv.BgNbd:
    return cv.fit_bg_nbd(cdnow)


@pytest.fixture(scope="session")
def gg(cdnow: pl.DataFrame) -> cv.GammaGamma:
    return cv.fit_gamma_gamma(cdnow)
