"""Intake of people into the address book: imports, synchronised books, merges."""
