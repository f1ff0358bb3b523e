"""Use cases of badges and status pages."""
