"""What fitted models say of each customer."""
