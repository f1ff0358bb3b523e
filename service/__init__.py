"""Bot Scheduler."""

VERSION = "0.1.0"
"""The release, also in pyproject.toml, which cannot ask for it."""
