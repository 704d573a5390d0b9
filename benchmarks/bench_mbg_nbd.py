"""MBG/NBD fit and predictions, against the same likelihood in numpy as BTYDplus maximises it."""

from __future__ import annotations

from datetime import date
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize, special

import customer_value as cv

if TYPE_CHECKING:
    from customer_value._typing import FloatArray

CUSTOMERS = 200_000
LOOP_CUSTOMERS = 20_000
TRUTH = cv.MbgNbd(r=1.26, alpha=6.04, a=0.368, b=0.716)  # BTYDplus on groceryElog


def numpy_fit(x: FloatArray, t_x: FloatArray, T: FloatArray) -> FloatArray:
    """L-BFGS-B on the negative log-likelihood with numeric gradients, from (1, 3, 1, 3)."""

    def objective(theta: FloatArray) -> float:
        r, alpha, a, b = np.exp(theta)
        rise = special.gammaln(r + x) - special.gammaln(r) + r * np.log(alpha)
        stay = special.betaln(a, b + x + 1) - special.betaln(a, b)
        gone = a / (b + x) * ((alpha + T) / (alpha + t_x)) ** (r + x)
        return -float((rise + stay - (r + x) * np.log(alpha + T) + np.log1p(gone)).mean())

    found = optimize.minimize(objective, np.log([1.0, 3.0, 1.0, 3.0]), method="L-BFGS-B")
    return np.asarray(np.exp(found.x))


def main() -> None:
    log = cv.simulate_transactions(
        CUSTOMERS, start=date(2022, 1, 1), end=date(2023, 12, 31), seed=1, purchases=TRUTH
    )
    customers = cv.summarize(log, as_of=date(2023, 12, 31))
    cv.expected_purchases(customers.head(10), cv.fit_mbg_nbd(customers.head(100)), horizon="12mo")

    begin = perf_counter()
    model = cv.fit_mbg_nbd(customers)
    seconds = perf_counter() - begin
    columns = (customers[name].cast(float) for name in ("repeat_purchases", "t_x", "T"))
    x, t_x, T = (column.to_numpy() for column in columns)
    begin = perf_counter()
    r, alpha, *_ = numpy_fit(x[:LOOP_CUSTOMERS], t_x[:LOOP_CUSTOMERS] / 7, T[:LOOP_CUSTOMERS] / 7)
    slow = (perf_counter() - begin) * CUSTOMERS / LOOP_CUSTOMERS
    assert abs(r / model.r - 1) < 0.2
    assert abs(alpha / model.alpha - 1) < 0.2
    begin = perf_counter()
    cv.expected_purchases(customers, model, horizon="12mo")
    predicting = perf_counter() - begin
    print(
        f"fit_mbg_nbd: {CUSTOMERS:,} customers in {seconds:.2f} s, {slow / seconds:.0f}x the speed "
        f"of numpy with numeric gradients; expected_purchases: {CUSTOMERS / predicting / 1e6:.1f} "
        "M customers/s"
    )


if __name__ == "__main__":
    main()
