"""API tokens of the caller and of the caller's external agents."""
