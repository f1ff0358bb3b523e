"""Outbox of alerts, which scripts fill in the same step as the event itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from redis.exceptions import ResponseError

from service.domain.alert_folding import Moment
from service.domain.notices import Step
from service.store.scripts import Scripts
from service.store.server.asking import ask
from service.store.server.redis_clock import ms_of


class Outbox:
    """Alerts that wait to be sent, the oldest first.

    A note stays where it is until it becomes deliveries (`service.store.alerting.deliveries`). Schedulers of older
    releases take over what they send, into a list of its own; what a dead one left there comes first. They would drop
    what they do not know, so other lists have the notes of the service itself, of bots, and those that rules ask for.

    Args:
        scripts: the scripts of this installation.
        token: returns the token of the process that sends them; None if the sender need not be the courier.
    """

    def __init__(self, scripts: Scripts, token: Callable[[], str] | None = None) -> None:
        self._scripts = scripts
        self._keys = scripts.keys
        self._token = token
        self._lists = (
            self._keys.alerts_sending, self._keys.alerts_service, self._keys.alerts_bots, self._keys.alerts,
            self._keys.alerts_rules,
        )  # fmt: skip

    def is_courier(self) -> bool:
        """Ask whether this process is the courier in Redis, too: one that has lost the lease may not know it yet."""
        if self._token is None:
            return True
        (courier,) = ask(self._scripts, ("GET", self._keys.lease("courier")))
        return bool(courier == self._token().encode())

    def take_up(self) -> bytes | None:
        """Read the next note, which must go to `done` in the end, or become deliveries; None if the outbox is empty."""
        waiting = ask(self._scripts, *(("LINDEX", outbox, -1) for outbox in self._lists))
        return next((bytes(note) for note in waiting if isinstance(note, bytes)), None)

    def done(self, taken: bytes) -> None:
        """Remove a note of which nobody is told."""
        ask(self._scripts, *(("LREM", outbox, -1, taken) for outbox in self._lists))

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
        """Note that the address of this name took an alert, or why it did not, after some tries."""
        self._scripts.run("note_delivery", name, failure)

    def end_fold(self, count: int) -> None:
        """Forget counted alerts, which are void."""
        self._scripts.run("end_fold", count)


def facts(taken: bytes) -> dict[str, Any]:
    """Return the facts of an alert; none if it is not one of ours."""
    try:
        found = json.loads(taken.decode(errors="replace"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
