"""Traces of runs, from the side of the work horse."""
