"""Mathematics that kernels share: special functions, bins, ranks, curves."""
