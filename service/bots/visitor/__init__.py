"""The visitor bot."""
