"""The models: of purchases, spend and contracts."""
