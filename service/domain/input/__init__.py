"""Strict checks of input, and the sentences that refuse it."""
