"""Backfills: the runs of instants that are over."""
