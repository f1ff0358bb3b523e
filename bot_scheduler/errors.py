"""Errors that a bot raises or meets, and how it skips a run."""

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


class Skip(Exception):
    """Raised by a bot that has nothing to do: the run is skipped, with the reason. It is no failure.

    Nobody is told, no failure is counted, and no retry follows. The run keeps its times, its log and its result.

    Args:
        reason: a few words for people, such as `nothing new`. One line of at most 300 characters is kept.
        result: the work done so far, JSON-ready.
    """

    def __init__(self, reason: str, result: dict[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.result = result
