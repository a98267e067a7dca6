"""Decisions with their options, votes, participants, results and audit chain."""
