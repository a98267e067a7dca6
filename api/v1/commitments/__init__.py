"""Commitments, joining them, and their participants and comments."""
