"""How every kernel is compiled, and where its machine code is kept."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from numba.core.caching import FunctionCache
from numba.core.dispatcher import Dispatcher

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def jit(kernel: Kernel) -> Kernel:
    """Compile a kernel at its first call and keep the machine code on disk.

    The compiled kernel releases the GIL, so that
    [`map_chunks`][customer_value._kernels.run.parallel.map_chunks] can run it on many threads, and
    divides as numpy does: 1/0 is inf, nothing is raised.

    The cache on disk is renewed when the kernel's own file changes, not when a helper that it calls
    from another file does: after an edit in `special.py`, delete the cache or set a fresh
    `NUMBA_CACHE_DIR`. Where the cache can be neither written nor read, a kernel is compiled without
    it, and a `RuntimeWarning` says so once.

    Args:
        kernel: A function that numba can compile in nopython mode.

    Returns:
        The dispatcher of the compiled kernel, or the kernel itself under `NUMBA_DISABLE_JIT=1`.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    # No kernel is called from C, and a wrapper for that would take time to compile.
    options["no_cfunc_wrapper"] = True  # which numba's stubs do not know
    compiled = numba.njit(**options)(kernel)
    if isinstance(compiled, Dispatcher):
        _keep_on_disk(compiled)
    return cast("Kernel", compiled)


def _keep_on_disk(compiled: Any) -> None:  # noqa: ANN401  numba's stubs know no caches
    """Do what numba's option `cache` does, with a cache that may fail."""
    try:
        compiled._cache = _Cache(compiled.py_func)  # noqa: SLF001  numba sets it the same way
    except RuntimeError as error:
        if "no locator available" not in str(error):
            raise
        _warn_once("there is no place to keep them")


class _Cache(FunctionCache):
    """numba's cache of one kernel, whose failures cost time and nothing else."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:  # noqa: ANN401  numba's own
        """Load machine code; where the files are damaged, begin them anew."""
        try:
            return super().load_overload(sig, target_context)
        except Exception as error:  # noqa: BLE001  damaged files raise anything
            _warn_once(f"{self.cache_path} cannot be read: {error!r}")
        try:
            self.flush()
        except OSError:
            self.disable()
        return None

    def save_overload(self, sig: Any, data: Any) -> None:  # noqa: ANN401  numba's own
        """Save machine code; where that fails, as on a full disk, try no more."""
        try:
            super().save_overload(sig, data)
        except Exception as error:  # noqa: BLE001  so does a file damaged since it was loaded
            _warn_once(f"{self.cache_path} cannot be written: {error!r}")
            self.disable()


_warned = False


def _warn_once(reason: str) -> None:
    """Say once a process why kernels are compiled that might have been loaded."""
    global _warned  # noqa: PLW0603  one warning for all kernels
    if _warned:
        return
    _warned = True
    warnings.warn(
        f"numba kernels are compiled anew, which takes seconds: {reason}. If that stays so, set "
        "NUMBA_CACHE_DIR to a folder that can be read and written",
        RuntimeWarning,
        stacklevel=3,
    )
