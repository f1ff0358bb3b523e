"""Use cases of snoozes: see them, and end one. Links in alerts make them (`service.usecases.alerting.links`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from service.clock import Clock
from service.domain.alerting.address_names import channel_of
from service.domain.alerting.snooze import Snooze, shown_to
from service.domain.ids import is_id
from service.domain.timestamps import format_ms
from service.errors import NotFound
from service.store.alerting.snooze_store import SnoozeStore
from service.store.scripts import Scripts
from service.store.server.asking import ask
from service.usecases.paging import invalid_cursor
from service.usecases.views import Page


class Snoozes:
    """The snoozes that are on.

    Args:
        scripts: the scripts of this installation.
        clock: Redis' clock.
    """

    def __init__(self, scripts: Scripts, clock: Clock) -> None:
        self._scripts = scripts
        self._store = SnoozeStore(scripts)
        self._clock = clock

    def page(self, limit: int, cursor: str | None = None) -> Page:
        """Read a page of the snoozes that are on, by their ids.

        Args:
            limit: the most snoozes on the page.
            cursor: the `next_cursor` of the page before.

        Raises:
            ValidationFailed: the cursor is invalid.
        """
        if cursor is not None and not is_id(cursor):
            raise invalid_cursor()
        found = [one for one in sorted(self._on(), key=lambda one: one.id) if cursor is None or one.id > cursor]
        return Page(self._answers(found[:limit]), found[limit - 1].id if len(found) > limit else None)

    def of_job(self, job_id: str) -> list[dict[str, Any]]:
        """Read the snoozes of a job's alerts that are on, the first to end first."""
        return self._answers([one for one in self._on() if one.job_id == job_id])

    def end(self, snooze_id: str) -> None:
        """End a snooze. What it has held is told together.

        Raises:
            NotFound: no such snooze is on.
        """
        snooze = next((one for one in self._on() if one.id == snooze_id), None)
        if snooze is None or not self._store.end(snooze):
            raise NotFound(f"Snooze {snooze_id[:80]} not found, or it has ended")

    def _on(self) -> list[Snooze]:
        found = self._store.all()
        now = self._clock.now_ms() if found else 0
        return [one for one in found if now < one.until]

    def _answers(self, snoozes: Sequence[Snooze]) -> list[dict[str, Any]]:
        names = ask(self._scripts, *(("HGET", self._scripts.keys.job(one.job_id), "name") for one in snoozes))
        return [
            {
                "id": one.id, "job_id": one.job_id, "job": name.decode(errors="replace") if name else None,
                "to": shown_to(one.to), "channel": channel_of(f"{one.to}/1"),
                "since": format_ms(one.since), "until": format_ms(one.until),
            }
            for one, name in zip(snoozes, names, strict=True)
        ]  # fmt: skip
