from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numba
import pytest

from customer_value._kernels.run._jit import jit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

JIT_IS_ON = os.environ.get("NUMBA_DISABLE_JIT", "0") == "0"
needs_jit = pytest.mark.skipif(not JIT_IS_ON, reason="NUMBA_DISABLE_JIT is set")


def test_division_by_zero_raises_nothing_in_compiled_code() -> None:
    @jit
    def divide(u: float, v: float) -> float:
        return u / v

    assert divide(1.0, 2.0) == 0.5
    if JIT_IS_ON:
        assert divide(1.0, 0.0) == float("inf")


def test_code_without_a_place_for_its_cache_is_compiled_without_one() -> None:
    names: dict[str, Any] = {}
    exec("def double(u): return 2.0 * u", names)  # noqa: S102  no file, hence no cache locator
    assert jit(names["double"])(21.0) == 42.0


def test_other_errors_of_the_decorator_are_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: bool) -> Callable[..., float]:
        raise RuntimeError("something else")

    monkeypatch.setattr(numba, "njit", fail)
    with pytest.raises(RuntimeError, match="something else"):
        jit(abs)


@needs_jit
def test_an_unwritable_installation_imports_and_computes(tmp_path: Path) -> None:
    """NUMBA_CACHE_LOCATOR_CLASSES leaves only a locator that never applies here."""
    code = "from customer_value._kernels.math import special; print(special.expit(0.0))"
    result = _python(code, {"NUMBA_CACHE_LOCATOR_CLASSES": "ZipCacheLocator"}, tmp_path)
    assert result.split() == ["0.5"]


@needs_jit
def test_first_call_with_an_empty_cache_is_quick(tmp_path: Path) -> None:
    code = """
import time
import numpy as np
from customer_value._kernels.models import bg_nbd
from customer_value._kernels.models.histories import Histories
from customer_value._kernels.models.parameters import BgNbd
one = np.ones(3)
bg_nbd.value_gradient_hessian(Histories(one, one, 2 * one), one, BgNbd(0.25, 4.0, 0.8, 2.5))
print(time.process_time())  # imports included; other processes' load is not
"""
    assert float(_python(code, {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}, tmp_path)) < 3.0
    assert list((tmp_path / "cache").rglob("*.nbi"))


def _python(code: str, environment: dict[str, str], folder: Path) -> str:
    """Run code in a fresh interpreter that imports what this one imports."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | environment
    command = [sys.executable, "-c", code]
    result = subprocess.run(  # noqa: S603
        command, env=environment, cwd=folder, capture_output=True, text=True, check=True
    )
    return result.stdout
