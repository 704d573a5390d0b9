from __future__ import annotations

import os
import threading

import numpy as np
import pytest

from customer_value._kernels.run import parallel


@pytest.mark.parametrize("threads", [None, 1, 2, 5])
def test_chunks_cover_the_rows_in_order(threads: int | None) -> None:
    n = 3 * parallel.CHUNK + 17
    bounds = parallel.map_chunks(lambda start, stop: (start, stop), n, threads=threads)
    assert [start for start, _ in bounds] == list(range(0, n, parallel.CHUNK))
    assert [stop for _, stop in bounds[:-1]] == [start for start, _ in bounds[1:]]
    assert bounds[-1][1] == n


def test_zero_rows_call_nothing() -> None:
    assert parallel.map_chunks(lambda start, stop: (start, stop), 0) == []


def test_one_chunk_runs_in_the_calling_thread() -> None:
    idents = parallel.map_chunks(lambda *_: threading.get_ident(), parallel.CHUNK, threads=4)
    assert idents == [threading.get_ident()]


def test_an_error_in_a_chunk_reaches_the_caller() -> None:
    def fail(start: int, _: int) -> None:
        if start:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        parallel.map_chunks(fail, 2 * parallel.CHUNK, threads=2)


def test_n_threads_respects_affinity(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parallel.n_threads() >= 1
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 7}, raising=False)
    assert parallel.n_threads() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert parallel.n_threads() == 1


def test_map_rows_slices_every_column_and_writes_through() -> None:
    n = 2 * parallel.CHUNK + 5
    values, out = np.arange(n, dtype=np.float64), np.empty(n)

    def kernel(values: parallel.FloatArray, out: parallel.FloatArray, factor: float) -> float:
        out[:] = factor * values
        return float(values[0])

    firsts = parallel.map_rows(kernel, (values, out), 3.0, threads=2)
    assert firsts == [0.0, parallel.CHUNK, 2 * parallel.CHUNK]
    assert (out == 3.0 * values).all()


def test_read_only_views_share_memory_and_cannot_be_written() -> None:
    values = np.arange(6, dtype=np.float64)
    (view,) = parallel.read_only(values)
    assert np.shares_memory(view, values)
    assert not view.flags.writeable
    assert values.flags.writeable


def test_read_only_makes_strided_arrays_contiguous() -> None:
    (view,) = parallel.read_only(np.arange(6, dtype=np.float64)[::2])
    assert view.flags.c_contiguous
    assert view.tolist() == [0.0, 2.0, 4.0]


def test_chunks_may_be_smaller() -> None:
    bounds = parallel.map_chunks(lambda start, stop: (start, stop), 5, chunk=2)
    assert bounds == [(0, 2), (2, 4), (4, 5)]
