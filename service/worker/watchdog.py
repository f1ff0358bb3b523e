"""The rules by which a worker watches one run: when to ask, interrupt or kill. Pure: times and answers are passed in.

| what happens | the bot is asked to stop | its process is killed |
|---|---|---|
| cancel, or the job deleted | at once | 10 s later |
| its time is up | at once (interrupted) | 10 s later |
| the worker is asked to stop | 15 s later | 25 s later |
| the lease cannot be renewed | – | before it ends |
| Redis refuses all writes | – | not for that: nobody can take the run over either |
| the lease was lost | – | 6 s later, unless the run turns out to have ended |
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from service.shutdown import ASK_RUN_SECONDS, KILL_RUN_SECONDS

Action = Literal["ask", "interrupt", "kill"]

HEED_SECONDS = 10.0
"""How long a bot has to heed a cancel or the end of its time."""
LOST_SECONDS = 6.0
"""How long a run that has lost its lease may go on: its end may be recorded already, and the answer on its way to the
work horse, which waits for an answer no longer than this."""
LEASE_MARGIN_SECONDS = 5.0
"""A run whose lease cannot be renewed is killed this long before the lease ends."""

REFUSED_SECONDS = 5.0
"""A run goes on without a lease for this long after Redis last refused everybody's writes. It is less than the time for
which the reaper judges no lease afterwards, `service.scheduler.reaper.SETTLE_SECONDS`."""


@dataclass(slots=True)
class Watch:
    """The state of a watched run. All times are monotonic seconds.

    Args:
        started: when the lease was taken.
        timeout: the run's `timeout_seconds`.
        lease: the lease's length, seconds.
    """

    started: float
    timeout: float
    lease: float
    why: str | None = None
    renewed: float = field(init=False)
    _refused: float = field(default=float("-inf"))
    _asked: bool = False
    _interrupted: bool = False
    _kill_at: float = field(default=float("inf"))

    def __post_init__(self) -> None:
        self.renewed = self.started

    def heard(self, answer: str, now: float) -> None:
        """Take note of the answer to a renewal.

        Args:
            answer: `kept`, `cancel`, `gone` or `lost`.
            now: when the renewal was asked for.
        """
        if answer in ("kept", "cancel"):
            self.renewed = now
        if answer in ("cancel", "gone"):
            self._end_by(now + HEED_SECONDS, answer)
        if answer == "lost":
            self._end_by(now + LOST_SECONDS, answer)

    def refused(self, now: float) -> None:
        """Take note that Redis refuses all writes: the lease cannot be renewed, and nobody can take the run over."""
        self._refused = now

    def actions(self, now: float, stopping_since: float | None) -> list[Action]:
        """Return what to do now: some of `ask`, `interrupt`, `kill`.

        Args:
            now: monotonic seconds.
            stopping_since: when the worker was asked to stop, or None.
        """
        if now >= self.started + self.timeout:
            self._end_by(self.started + self.timeout + HEED_SECONDS, "timeout")
        if stopping_since is not None and now >= stopping_since + ASK_RUN_SECONDS:
            self._end_by(stopping_since + KILL_RUN_SECONDS, "shutdown")
        if now >= max(self.renewed + self.lease - LEASE_MARGIN_SECONDS, self._refused + REFUSED_SECONDS):
            self._end_by(now, "unrenewed")
        todo: list[Action] = []
        if self.why is not None and not self._asked:
            self._asked = True
            todo.append("ask")
        if self.why == "timeout" and not self._interrupted:
            self._interrupted = True
            todo.append("interrupt")
        if now >= self._kill_at:
            todo.append("kill")
        return todo

    def _end_by(self, kill_at: float, why: str) -> None:
        """Have the run end by `kill_at`: the first of several reasons is recorded, the earliest kill holds."""
        self.why = self.why or why
        self._kill_at = min(self._kill_at, kill_at)
