"""Badges and status pages: routes with a key in the address, and what they draw."""
