"""Whether a model is any good."""
