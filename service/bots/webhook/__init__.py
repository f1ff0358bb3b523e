"""The webhook bot."""
