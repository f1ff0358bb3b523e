"""Accounts of occurrences: which instants a job's schedule named, and what became of each. Pure.

Two sides that know nothing of each other: `epochs` and `instants` say what the schedule named, by the engine alone;
`entries` say what the history records. `account` compares them.
"""
