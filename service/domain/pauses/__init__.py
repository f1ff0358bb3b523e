"""Pauses: a while in which occurrences of some jobs do not run."""
