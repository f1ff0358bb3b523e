"""Refusals of scopes: counted in the process, and written to a stream of their own about once a second.

`RefusedScopes.note` costs a request a dictionary look-up and never waits. Its memory is bounded, and so is the stream:
all refusals of a caller, a method and a route within a minute are one entry, also those of several processes.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
from dataclasses import dataclass, replace

from service import logs
from service.domain.access.callers import Caller
from service.domain.plain_json import plain_text
from service.errors import ServiceError
from service.logs import frequent
from service.store.scripts import Scripts
from service.store.server.connection import ClientError

log = logging.getLogger("service.audit")

MOST = 100
"""Kinds of refusals that are told apart in one second; the others are counted together."""
REFUSED = "refused"
"""The action of these entries."""
REFUSED_KEY = "refused.key"
"""The action of entries beside them, which `count_guesses.lua` writes where an address begins to guess keys."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    who: Caller
    what: str
    request_id: str | None
    count: int = 1

    def entry(self) -> dict[str, str | int]:
        """Write it as an entry of the stream."""
        who = self.who
        beside = {"session": who.session, "address": who.address, "request_id": self.request_id}
        texts = {"actor": who.actor, "actor_name": who.name, "action": REFUSED, "object": self.what, **beside}
        return {**{name: plain_text(text) for name, text in texts.items() if text is not None}, "count": self.count}


_OTHERS = Caller("others", "others")


class RefusedScopes:
    """The refusals of one process that are not written yet.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._lock = threading.Lock()
        self._pending: dict[tuple[str, str], _Refusal] = {}

    @property
    def is_unsettled(self) -> bool:
        """Whether there is something to write."""
        return bool(self._pending)

    def note(self, who: Caller, method: str, route: str) -> None:
        """Count a refusal.

        Args:
            who: the caller, who lacks the scope.
            method: the request's.
            route: the route's template, such as `/scheduler/jobs/{job_id}`.
        """
        what = f"{method} {route}"
        with self._lock:
            if (who.actor, what) not in self._pending and len(self._pending) >= MOST:
                who, what = _OTHERS, "many requests"
            known = self._pending.get((who.actor, what))
            refusal = _Refusal(who, what, logs.request_id(), 1 + (known.count if known else 0))
            self._pending[who.actor, what] = refusal

    def settle(self) -> None:
        """Write what is pending. What Redis does not take is kept for the next time."""
        with self._lock:
            pending, self._pending = self._pending, {}
        if not pending:
            return
        entries = [refusal.entry() for refusal in pending.values()]
        try:
            self._scripts.run("note_refusals", secrets.token_hex(4), *map(json.dumps, entries))
        except (ServiceError, ClientError):
            self._take_back(pending)
            return
        for entry in entries:
            told = f"{entry['object']} refused to {entry['actor_name']} ({entry['count']} times)"
            frequent.event(log, told, {"event": "audit", **entry})

    def _take_back(self, pending: dict[tuple[str, str], _Refusal]) -> None:
        with self._lock:
            for which, refusal in pending.items():
                later = self._pending.get(which)
                self._pending[which] = replace(refusal, count=refusal.count + (later.count if later else 0))
