"""Limits of a caller, held against every operation and page: other jobs do not exist for it."""
