"""Notes, their comments, and read confirmations."""
