"""Notes, comments, read confirmations and pins."""
