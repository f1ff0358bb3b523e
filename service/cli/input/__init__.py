"""Input that people type: arguments, flags and files."""
