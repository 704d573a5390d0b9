"""Kernels over the rows of a log."""
