"""Closed days: what becomes of their occurrences, and which of a job's coming ones run."""
