"""Old names of what `bot_scheduler` has, for bots that were written before it. They go with the next release."""

from bot_scheduler import Bot, Context, Ledger, Memory, RunFailed, Secrets

__all__ = ["Bot", "Context", "Ledger", "Memory", "RunFailed", "Secrets"]
