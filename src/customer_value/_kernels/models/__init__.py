"""Likelihoods and predictions, a module a model."""
