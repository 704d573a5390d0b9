"""The door to scikit-learn, an optional dependency: k-means and silhouettes."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np

from customer_value.segments._model import closest

if TYPE_CHECKING:
    from customer_value._typing import FloatArray, IntArray

_MOST, _STARTS = 10, 10
_TRIED, _COMPARED = 20_000, 3_000


class Means:
    """k-means and silhouettes by scikit-learn, drawn with one seed and run on one thread."""

    def __init__(self, seed: int) -> None:
        names = ("sklearn.cluster", "sklearn.metrics", "threadpoolctl")
        try:
            self._cluster, self._metrics, self._threads = (import_module(name) for name in names)
        except ImportError as error:
            raise ImportError(
                "fit_clusters needs scikit-learn: pip install 'customer-value[cluster]'"
            ) from error
        self._seed = seed

    def centres(self, points: FloatArray, k: int) -> FloatArray:
        """Find k centres: the starts are tried on a sample, the best is improved on all."""
        sample = points[self._sample(len(points), _TRIED)]
        found = self._run(sample, k, "k-means++", _STARTS)
        return self._run(points, k, found, 1) if len(points) > len(sample) else found

    def silhouette(self, points: FloatArray, labels: IntArray) -> float | None:
        """Mean silhouette of a sample, None where it lies in one cluster or each has its own."""
        rows = self._sample(len(points), _COMPARED)
        found = np.unique(labels[rows]).size
        if not 2 <= found < rows.size:
            return None
        with self._threads.threadpool_limits(1):
            return float(self._metrics.silhouette_score(points[rows], labels[rows]))

    def best_number(self, points: FloatArray, distinct: int) -> int:
        """Choose the number of clusters that are the farthest apart."""
        sample = points[self._sample(len(points), _TRIED)]
        best, best_silhouette = 1, -np.inf
        for k in range(2, min(_MOST, distinct) + 1):
            centres = self._run(sample, k, "k-means++", _STARTS)
            silhouette = self.silhouette(sample, closest(sample, centres))
            if silhouette is not None and silhouette > best_silhouette:
                best, best_silhouette = k, silhouette
        return best

    def _run(self, points: FloatArray, k: int, init: str | FloatArray, starts: int) -> FloatArray:
        means = self._cluster.KMeans(k, init=init, n_init=starts, random_state=self._seed)
        with self._threads.threadpool_limits(1):  # threads would add up in any order
            centres: FloatArray = means.fit(points).cluster_centers_
        return centres

    def _sample(self, n: int, size: int) -> IntArray:
        if n <= size:
            return np.arange(n)
        return np.sort(np.random.default_rng(self._seed).choice(n, size, replace=False))
