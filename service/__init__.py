"""Bot Scheduler, the service."""

import bot_scheduler

VERSION = bot_scheduler.__version__
"""The release."""
