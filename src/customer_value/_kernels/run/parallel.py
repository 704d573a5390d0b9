"""The one way to use many cores: fixed chunks of rows on a pool of threads."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable

FloatArray: TypeAlias = npt.NDArray[np.float64]
Column: TypeAlias = npt.NDArray[np.float64] | npt.NDArray[np.uint64]
Result = TypeVar("Result")

CHUNK = 1 << 14
"""Rows per chunk: the cheapest kernel takes 200 microseconds, handing a chunk to a thread 20."""


def n_threads() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_chunks(
    task: Callable[[int, int], Result],
    n_rows: int,
    *,
    threads: int | None = None,
    chunk: int | None = None,
) -> list[Result]:
    """Run `task(start, stop)` over consecutive chunks of rows.

    The chunks do not depend on the number of threads, so a caller that adds the results up in their
    order gets the same bits on one thread or many. The pool lives for this call only: it survives
    a fork and any number of Python threads may call at once.

    Args:
        task: What to do with rows `start` to `stop`; it must release the GIL to gain speed.
        n_rows: Number of rows, zero included.
        threads: Number of threads, by default one per processor.
        chunk: Rows per chunk, where a row takes unusually long or much memory.

    Returns:
        The results in the order of the rows.
    """
    size = chunk or CHUNK
    bounds = [(start, min(start + size, n_rows)) for start in range(0, n_rows, size)]
    workers = min(len(bounds), n_threads() if threads is None else threads)
    if workers <= 1:
        return [task(start, stop) for start, stop in bounds]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda bound: task(*bound), bounds))


def map_rows(
    kernel: Callable[..., Result],
    columns: tuple[Column | float, ...],
    *arguments: float | Column,
    threads: int | None = None,
) -> list[Result]:
    """Run a kernel over consecutive chunks of rows, as `map_chunks` does.

    Args:
        kernel: Takes the columns, inputs and outputs alike, and then the arguments.
        columns: One value per row, the first at any rate; each call gets the same slice of all, and
            a number as it is.
        arguments: What all rows share.
        threads: Number of threads, by default one per processor.

    Returns:
        The results in the order of the rows.
    """

    def task(start: int, stop: int) -> Result:
        slices = (c[start:stop] if isinstance(c, np.ndarray) else c for c in columns)
        return kernel(*slices, *arguments)

    return map_chunks(task, np.size(columns[0]), threads=threads)


def read_only(*arrays: FloatArray) -> tuple[FloatArray, ...]:
    """Give read-only C views of the inputs of a kernel.

    Columns of a frame arrive read-only and computed arrays do not; numba would compile every kernel
    twice, once for each kind.

    Args:
        arrays: 1-d float64 arrays; one that is not C-contiguous is copied.

    Returns:
        The same values as C-contiguous arrays that cannot be written.
    """
    views = tuple(np.ascontiguousarray(array, dtype=np.float64).view() for array in arrays)
    for view in views:
        view.flags.writeable = False
    return views
