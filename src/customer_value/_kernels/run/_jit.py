"""How every kernel is compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def jit(kernel: Kernel) -> Kernel:
    """Compile a kernel at its first call and keep the machine code on disk.

    The compiled kernel releases the GIL, so that
    [`map_chunks`][customer_value._kernels.run.parallel.map_chunks] can run it on many threads, and
    divides as numpy does: 1/0 is inf, nothing is raised.

    The cache on disk is renewed when the kernel's own file changes, not when a helper that it calls
    from another file does: after an edit in `special.py`, delete the cache or set a fresh
    `NUMBA_CACHE_DIR`.

    Args:
        kernel: A function that numba can compile in nopython mode.

    Returns:
        The dispatcher of the compiled kernel, or the kernel itself under `NUMBA_DISABLE_JIT=1`.
    """
    try:
        return _compile(kernel, cache=True)
    except RuntimeError as error:
        # A read-only installation and no home to write to: compile in each process instead.
        if "no locator available" not in str(error):
            raise
        return _compile(kernel, cache=False)


def _compile(kernel: Kernel, *, cache: bool) -> Kernel:
    """Apply numba's decorator; the signature is unchanged, whatever numba's own types say.

    Nobody calls a kernel from C, and a wrapper for that would take its time to compile.
    """
    options: dict[str, Any] = {"nogil": True, "cache": cache, "error_model": "numpy"}
    options["no_cfunc_wrapper"] = True  # which numba's stubs do not know
    return cast("Kernel", numba.njit(**options)(kernel))
