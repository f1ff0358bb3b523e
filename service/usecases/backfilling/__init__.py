"""Backfills: the runs of past instants."""
