from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numba
import pytest

from customer_value._kernels.run import _jit
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


@needs_jit
def test_code_without_a_place_for_its_cache_is_compiled_without_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_jit, "_warned", False)
    names: dict[str, Any] = {}
    exec("def double(u): return 2.0 * u", names)  # noqa: S102  no file, hence no cache locator
    with pytest.warns(RuntimeWarning, match="NUMBA_CACHE_DIR"):
        double = jit(names["double"])
    assert double(21.0) == 42.0
    assert jit(names["double"])(4.0) == 8.0  # warnings are errors here: it was said once


def test_other_errors_of_the_decorator_are_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> Callable[..., float]:
        raise RuntimeError("something else")

    where = (numba, "njit"), (_jit, "_Cache")
    for module, name in where if JIT_IS_ON else where[:1]:
        with monkeypatch.context() as patched:
            patched.setattr(module, name, fail)
            with pytest.raises(RuntimeError, match="something else"):
                jit(lambda u: u)


EXPIT = "from customer_value._kernels.math import special; print(special.expit(0.0))"
FULL = """
import errno, os

def fail(*_):
    raise OSError(errno.ENOSPC, "No space left on device")

os.replace = fail  # the last step of whatever numba writes
"""


@needs_jit
def test_an_unwritable_installation_imports_and_computes(tmp_path: Path) -> None:
    """NUMBA_CACHE_LOCATOR_CLASSES leaves only a locator that never applies here."""
    known = hasattr(numba.core.config, "CACHE_LOCATOR_CLASSES")  # not to the oldest numba
    warnings = warned(EXPIT, {"NUMBA_CACHE_LOCATOR_CLASSES": "ZipCacheLocator"}, tmp_path)
    assert warnings == int(known)


@needs_jit
def test_a_full_disk_costs_time_and_a_warning(tmp_path: Path) -> None:
    place = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    assert warned(FULL + EXPIT + "; print(special.softplus(0.0))", place, tmp_path) == 1
    assert not list((tmp_path / "cache").rglob("*.nb*"))
    assert warned(EXPIT, place, tmp_path) == 0
    assert len(list((tmp_path / "cache").rglob("*.nb*"))) == 2


@needs_jit
@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", ["empty", "truncated", "overwritten"])
def test_damaged_files_are_compiled_anew(suffix: str, damage: str, tmp_path: Path) -> None:
    place = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    assert warned(EXPIT, place, tmp_path) == 0
    (file,) = (tmp_path / "cache").rglob(f"*.{suffix}")
    whole = file.read_bytes()
    file.write_bytes({"empty": b"", "truncated": whole[:-9], "overwritten": b"?" * 999}[damage])
    assert warned(EXPIT, place, tmp_path) == 1
    assert warned(EXPIT, place, tmp_path) == 0  # the files are whole again


@needs_jit
def test_damaged_files_on_a_full_disk(tmp_path: Path) -> None:
    place = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    assert warned(EXPIT, place, tmp_path) == 0
    for file in (tmp_path / "cache").rglob("*.nb*"):
        file.write_bytes(b"")
    assert warned(FULL + EXPIT, place, tmp_path) == 1


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


def warned(code: str, environment: dict[str, str], folder: Path) -> int:
    """Run code that prints 0.5 first, and count its warnings, which all name the remedy."""
    result = _run(code, environment, folder)
    assert result.stdout.split()[0] == "0.5"
    count = result.stderr.count("RuntimeWarning: ")
    assert result.stderr.count("NUMBA_CACHE_DIR") == count
    return count


def _python(code: str, environment: dict[str, str], folder: Path) -> str:
    return _run(code, environment, folder).stdout


def _run(code: str, environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter that imports what this one imports."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | environment
    command = [sys.executable, "-W", "always", "-c", code]
    return subprocess.run(  # noqa: S603
        command, env=environment, cwd=folder, capture_output=True, text=True, check=True
    )
