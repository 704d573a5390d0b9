"""What the models of all packages have in common."""
