"""The public package of Bot Scheduler: everything that the author of a bot imports.

A bot is a class with a `name`, a pydantic `Config`, and `run(context) -> dict`. It knows nothing of Redis, RQ or the
API: everything that it may touch comes with its `Context`. `bot_scheduler.testing` has a context to test it with.

This package imports nothing of the service, which takes its protocol, its errors and its version from here.
"""

from bot_scheduler.bot import Bot
from bot_scheduler.contacts import Contact, Contacts, Person
from bot_scheduler.context import Context, Ledger, Memory, Secrets
from bot_scheduler.errors import RunFailed, ServiceError, Skip
from bot_scheduler.run import PreviousSuccess, Run, Window

__version__ = "0.1.0"
"""The release. It is written here alone."""

__all__ = [
    "Bot",
    "Contact",
    "Contacts",
    "Context",
    "Ledger",
    "Memory",
    "Person",
    "PreviousSuccess",
    "Run",
    "RunFailed",
    "Secrets",
    "ServiceError",
    "Skip",
    "Window",
    "__version__",
]
