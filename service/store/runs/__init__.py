"""Runs in Redis."""
