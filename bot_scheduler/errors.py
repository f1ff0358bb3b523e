"""Errors that a bot raises or meets."""

from __future__ import annotations

from typing import Any


class ServiceError(Exception):
    """The root of every error that the service raises on purpose, and that a bot raises for a failure it foresaw.

    The message is one sentence for people. It becomes the run's error, and the run's log has it without a traceback.
    """


class RunFailed(ServiceError):
    """A failure of the run that the bot foresaw, with advice on how to go on.

    Args:
        reason: one sentence for people. It becomes the run's `error`.
        result: the work done so far, JSON-ready.
        final: whether another try would fail as well. If so, the run is not tried again, whatever `max_retries` says.
        retry_after: seconds from now before which another try makes no sense. A retry waits for them in addition to
            its own delay, one hour at most.
    """

    def __init__(
        self, reason: str, result: dict[str, Any] | None = None, *, final: bool = False, retry_after: float = 0.0
    ) -> None:
        super().__init__(reason)
        self.result = result
        self.final = final
        self.retry_after = retry_after
