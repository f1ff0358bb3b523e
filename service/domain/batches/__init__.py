"""Batches: one action for many jobs."""
