"""Matching: which contact a card belongs to, and which contacts may be one person."""
