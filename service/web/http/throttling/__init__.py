"""Throttling: wrong keys are counted and their answers slowed down, and each key has its rate."""
