"""Use cases of pauses: make, list, read and end them.

As in `service.usecases.jobs`, parsed JSON comes in, answers go out, and refusals are `service.errors`. A caller that is
limited to some jobs sees, makes and ends the pauses that can be for no other job.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from service.batches import batched
from service.domain.access.callers import caller
from service.domain.ids import is_id
from service.domain.input.refusals import echo, listed
from service.domain.pauses.pause import Pause, covering, parse_pause
from service.domain.pauses.scope import PauseScope
from service.errors import Conflict, Forbidden, NotFound, ValidationFailed
from service.store.idempotency import Recalled
from service.store.jobs.coming import names_of
from service.store.jobs.job_marks import read_marks
from service.store.pauses.pause_store import PauseStore
from service.store.scripts import Scripts
from service.store.server.asking import ask
from service.usecases.access.sight import is_limited
from service.usecases.ids import once, same_body
from service.usecases.paging import invalid_cursor
from service.usecases.views import Page

STATES = ("active", "ended")
JOBS_AT_ONCE = 1000
"""Jobs whose labels and bot are read at a time."""


class Pauses:
    """The use cases of pauses.

    Args:
        scripts: the scripts of this installation.
        bot_types: the known ones.
    """

    def __init__(self, scripts: Scripts, bot_types: Collection[str]) -> None:
        self._scripts = scripts
        self._store = PauseStore(scripts)
        self._bot_types = bot_types

    def page(self, limit: int, cursor: str | None = None, state: str | None = None, job_id: str | None = None) -> Page:
        """Read a page of the pauses in force and of the last 30 days, the newest first.

        Args:
            limit: the most pauses on the page.
            cursor: the `next_cursor` of the page before.
            state: one of `STATES`; None for both.
            job_id: only those that are for this job.

        Raises:
            ValidationFailed: the cursor is invalid.
        """
        now, found = self._store.all()
        found = self._seen(found)
        if state is not None:
            found = [pause for pause in found if (pause.end_at(now) is None) == (state == "active")]
        if job_id is not None:
            found = self._for_job(found, job_id)
        if cursor is not None:
            places = [place for place, pause in enumerate(found) if pause.id == cursor]
            if not places:
                raise invalid_cursor()
            found = found[places[0] + 1 :]
        return Page(self._answers(found[:limit], now), found[limit - 1].id if len(found) > limit else None)

    def get(self, pause_id: str) -> dict[str, Any]:
        """Read one pause. Raises NotFound."""
        now, pause = self._stored(pause_id)
        return self._answers([pause], now)[0]

    def active(self) -> list[Pause]:
        """List the pauses in force that the caller sees, the oldest first."""
        now, found = self._store.stored()
        return self._seen([pause for pause in found if pause.end_at(now) is None])

    def names(self, pauses: Sequence[Pause]) -> dict[str, str]:
        """Return the names of the jobs that pauses of one job each are for: job id -> name."""
        ids = [one.scope.job_id for one in pauses if one.scope.job_id is not None]
        return names_of(self._scripts, ids) if ids else {}

    def over(self, jobs: Sequence[Mapping[str, Any]]) -> dict[str, list[Pause]]:
        """Tell which of some jobs, as the API shows them, are paused.

        Returns:
            Job id -> its pauses, first the one that decides. They may be for jobs that the caller does not see, too.
        """
        now, stored = self._store.stored()
        found = {
            job["id"]: covering(stored, now, job["id"], job["labels"], job["bot_type"]) for job in jobs if stored
        }  # fmt: skip
        return {job_id: pauses for job_id, pauses in found.items() if pauses}

    def create(self, body: object, key: str | None = None) -> dict[str, Any]:
        """Pause jobs.

        Args:
            body: the request's JSON.
            key: the request's Idempotency-Key. For a day, the same key and body return the same pause.

        Returns:
            The pause, with `job_count`: for how many jobs it is now.

        Raises:
            ValidationFailed: the body is invalid.
            Forbidden: the pause could be for jobs that do not exist for the caller.
            Conflict: too many are in force, or another body came with this Idempotency-Key.
            StoreUnavailable: a scheduler of an older release is up, which knows no pauses.
        """
        now = 0 if key is not None else self._store.stored()[0]  # one that was made before may be over by now
        asked = parse_pause(body, now)
        self._require_scope(asked.scope)
        made = self._store.make(asked, once("pause", key, body))
        if isinstance(made, Recalled):
            pause_id = same_body(made)
            return self.get(pause_id) | {"job_count": self._count(self._stored(pause_id)[1].scope)}
        return self._answers([made], made.since)[0] | {"job_count": self._count(made.scope)}

    def end(self, pause_id: str) -> dict[str, Any]:
        """End a pause. What it holds runs as soon as no other pause holds it.

        Raises:
            NotFound: there is no such pause.
            Conflict: it has ended already.
        """
        now, pause = self._stored(pause_id)
        ended = self._store.end(pause)
        if ended is None:
            raise Conflict(f"Pause {pause_id} has ended already")
        return self._answers([ended], max(now, ended.ended_at or 0))[0]

    def _require_scope(self, scope: PauseScope) -> None:
        if scope.job_id is not None and not read_marks_of(self._scripts, [scope.job_id]):
            raise ValidationFailed.of("scope.job_id", f"must be the id of a job that exists, not {echo(scope.job_id)}")
        if scope.bot_type is not None and scope.bot_type not in self._bot_types:
            known = listed(map(echo, sorted(self._bot_types)))
            raise ValidationFailed.of("scope.bot_type", f"must be {known}, not {echo(scope.bot_type)}")
        if scope.job_id is None and not scope.within(caller().limits):
            raise Forbidden(
                "This key is limited to some jobs; it may pause one of its jobs, or a label that only its jobs have, "
                f"but not {scope.words()}"
            )

    def _count(self, scope: PauseScope) -> int:
        """Count the jobs that a scope takes now, of those that exist for the caller."""
        if scope.job_id is not None:
            return len(read_marks_of(self._scripts, [scope.job_id]))
        (ids,) = ask(self._scripts, ("ZRANGE", self._scripts.keys.jobs, 0, -1))
        found = 0
        for some in batched([job_id.decode(errors="replace") for job_id in ids], JOBS_AT_ONCE):
            marks = read_marks_of(self._scripts, some)
            found += sum(1 for job_id, its in marks.items() if scope.takes(job_id, *its))
        return found

    def _stored(self, pause_id: str) -> tuple[int, Pause]:
        now, found = self._store.all()
        for pause in self._seen([pause for pause in found if pause.id == pause_id]) if is_id(pause_id) else []:
            return now, pause
        raise NotFound(f"Pause {pause_id[:80]} not found")

    def _seen(self, pauses: list[Pause]) -> list[Pause]:
        """Leave out the pauses that could be for jobs that do not exist for the caller."""
        if not is_limited():
            return pauses
        named = read_marks_of(self._scripts, [one.scope.job_id for one in pauses if one.scope.job_id is not None])
        limits = caller().limits
        return [one for one in pauses if one.scope.job_id in named or one.scope.within(limits)]

    def _for_job(self, pauses: list[Pause], job_id: str) -> list[Pause]:
        marks = read_marks_of(self._scripts, [job_id]).get(job_id)
        return [] if marks is None else [one for one in pauses if one.scope.takes(job_id, *marks)]

    def _answers(self, pauses: Sequence[Pause], now_ms: int) -> list[dict[str, Any]]:
        counts = self._store.jobs_on_hold([pause.id for pause in pauses])
        return [{**pause.answer(now_ms), "jobs_on_hold": count} for pause, count in zip(pauses, counts, strict=True)]


def read_marks_of(scripts: Scripts, job_ids: Sequence[str]) -> dict[str, Any]:
    """Return the labels and the bot of those of some jobs that exist for the caller."""
    limits = caller().limits
    found = read_marks(scripts, [job_id for job_id in job_ids if is_id(job_id)])
    return {job_id: marks for job_id, marks in found.items() if limits.allow(*marks)}
