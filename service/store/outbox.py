"""Outbox of alerts, which scripts fill in the same step as the event itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from redis.exceptions import ResponseError

from service.domain.alert_folding import Moment
from service.domain.notices import Step
from service.store.scripts import Scripts
from service.store.server.redis_clock import ms_of


class Outbox:
    """Alerts that wait to be sent, the oldest first.

    An alert that is being sent stands in a list of its own until it is done, so that it outlives its sender; it may
    then be sent twice. Alerts of the service itself and of bots stay where they are until they are done, because
    schedulers of older releases take over that list, and would drop them.

    Args:
        scripts: the scripts of this installation.
        token: returns the token of the process that sends them; None if the sender need not be the courier.
    """

    def __init__(self, scripts: Scripts, token: Callable[[], str] | None = None) -> None:
        self._scripts = scripts
        self._keys = scripts.keys
        self._token = token
        self._others = (self._keys.alerts_service, self._keys.alerts_bots)

    def take_up(self) -> bytes | None:
        """Take the next alert, which must go to `done` in the end; one that a dead sender left comes first.

        A process gets none while another one is the courier in Redis: one that has lost the lease may not know it yet,
        and both would send the same.
        """
        courier, left = self._scripts.read(
            lambda pipe: (pipe.get(self._keys.lease("courier")), pipe.lindex(self._keys.alerts_sending, -1))
        )
        if self._token is not None and courier != self._token().encode():
            return None
        if left is not None:
            return bytes(left)
        waiting = self._scripts.read(lambda pipe: [pipe.lindex(outbox, -1) for outbox in self._others])
        if (first := next(filter(None, waiting), None)) is not None:
            return bytes(first)
        (taken,) = self._scripts.read(
            lambda pipe: pipe.lmove(self._keys.alerts, self._keys.alerts_sending, "RIGHT", "LEFT")
        )
        return None if taken is None else bytes(taken)

    def done(self, taken: bytes) -> None:
        """Remove an alert that was sent, or given up."""
        self._scripts.read(
            lambda pipe: (
                pipe.lrem(self._keys.alerts_sending, 1, taken),  # type: ignore[arg-type]
                *(pipe.lrem(outbox, -1, taken) for outbox in self._others),  # type: ignore[arg-type]
            )
        )

    def moment(self) -> Moment:
        """Read the clock, and the alerts folded since it stepped."""
        (time,) = self._scripts.read(lambda pipe: pipe.time())
        now = ms_of(time)
        try:
            ((steps, folded, since),) = self._scripts.read(
                lambda pipe: pipe.hmget(self._keys.clock, "steps", "folded", "folded_at")
            )
            newest = json.loads(steps)[0] if steps else None
            step = newest and Step(int(newest["by"]), int(newest["before"]), int(newest["landed"]))
            return Moment(now, step, int(folded or 0), int(since or 0))
        except (ResponseError, ValueError, TypeError, LookupError):
            return Moment(now)  # outside hands have damaged it

    def note_delivery(self, name: str, failure: str = "") -> None:
        """Note that the address of this name took an alert, or why it did not after all tries."""
        self._scripts.run("note_delivery", name, failure)

    def fold(self, taken: bytes) -> None:
        """Count the alert instead of sending it."""
        self._scripts.run("fold_alert", taken)

    def end_fold(self, count: int) -> None:
        """Forget counted alerts: one alert has reported them together, or they are void."""
        self._scripts.run("end_fold", count)


def facts(taken: bytes) -> dict[str, Any]:
    """Return the facts of an alert; none if it is not one of ours."""
    try:
        found = json.loads(taken.decode(errors="replace"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
