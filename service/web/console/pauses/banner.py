"""Banner of troubles and pauses, which stands on every page while there is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from service.domain.access.callers import caller
from service.domain.access.scopes import Scope
from service.domain.timestamps import format_ms
from service.errors import ServiceError
from service.usecases.access.sight import is_limited
from service.usecases.health import Health
from service.usecases.pauses import Pauses

SHOWN = 3
"""Pauses in the banner; the page of pauses has the others."""


@dataclass(frozen=True, slots=True)
class Banner:
    """The troubles and the pauses that a reader sees.

    Args:
        troubles: what is wrong with the service: since when, and a sentence.
        pauses: the first of them: their jobs in words, of one job its id and name, until when, why, and who made them.
        more: how many others there are.
    """

    troubles: Sequence[dict[str, str]] = ()
    pauses: Sequence[dict[str, Any]] = ()
    more: int = 0


class Banners:
    """Makes the banner for the reader of a page.

    Args:
        pauses: the use cases of pauses.
        health: tells what is wrong.
    """

    def __init__(self, pauses: Pauses, health: Health) -> None:
        self._pauses = pauses
        self._health = health

    def now(self) -> Banner:
        """Make the banner; none for who may not read, and none while Redis is away: the page will say so itself."""
        if Scope.READ not in caller().scopes:
            return Banner()
        try:
            found, wrong = self._pauses.active(), self._health.troubles()
            names = self._pauses.names(found[:SHOWN])
        except ServiceError:
            return Banner()
        shown = [
            {
                "id": one.id, "jobs": one.scope.words(), "job_id": one.scope.job_id,
                "name": names.get(one.scope.job_id or ""), "reason": one.reason, "on_resume": one.on_resume,
                "until": None if one.until is None else format_ms(one.until), "by": (one.by or {}).get("name"),
            }
            for one in found[:SHOWN]
        ]  # fmt: skip
        # Whoever may see some jobs only need not know hosts and addresses.
        troubles = [
            {"since": one.shown()["since"], "says": f"{one.shown()['detail']}." if is_limited() else one.sentence()}
            for one in wrong
        ]
        return Banner(troubles, shown, len(found) - len(shown))
