"""The audit chain of a decision: writing it, checking it, and its pages."""
