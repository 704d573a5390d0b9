"""Drawing futures of customers."""
