"""Use cases of many jobs at once."""
