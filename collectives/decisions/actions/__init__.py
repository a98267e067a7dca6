"""Actions of decisions."""
