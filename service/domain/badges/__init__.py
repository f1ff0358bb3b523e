"""Badges and status pages: how a job stands, in one word."""
