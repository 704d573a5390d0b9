"""How models of purchase and spend are fitted."""
