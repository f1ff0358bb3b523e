"""The birthday bot."""
