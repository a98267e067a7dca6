"""The audit chain of a decision: its entries, checks and pages."""
