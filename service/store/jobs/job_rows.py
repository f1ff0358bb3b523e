"""Rows of jobs: the little of each job by which a list is filtered, sorted and counted over all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from service.domain.access.labels import EVERY_JOB, JobChoice, Labels, stored_labels
from service.domain.input.search import folded, is_found
from service.domain.job import HEALTHS
from service.domain.people.names import collated
from service.domain.records import NONE_RUNS
from service.store.jobs.job_views import state_of
from service.store.keys import Keys
from service.store.server.kept_rows import Source

KEPT = 50_000
"""Most jobs whose rows a process keeps: 5,000 of them take some 5 MB."""
TRAIT_FIELDS = ("bot_type", "labels", "enabled", "state", "last_run_status", "health", "name", "description")
"""The fields of a job's hash that filters ask; `traits_of` takes their values in this order."""
_PLAN_FIELDS = ("kind", "schedule_type", "schedule_config", "options")
_FIELDS = (*TRAIT_FIELDS, "last_run_at", "last_failed_at", "next_run", "next_due", *_PLAN_FIELDS)
AT_INTERVALS = 0
"""The plan of all jobs that are due at intervals."""


class Traits(NamedTuple):
    """What filters ask of a job.

    Args:
        bot_type: its bot.
        labels: its labels.
        is_enabled: whether it is switched on.
        state: as the API names it.
        is_failing: whether its last run has failed.
        health: as it is stored; None if it is well, or nothing is expected of it.
        text: its name and its description, in the form in which they are searched.
    """

    bot_type: str
    labels: Labels
    is_enabled: bool
    state: str
    is_failing: bool
    health: str | None
    text: str

    @property
    def is_troubled(self) -> bool:
        """Whether somebody should look at it: it is broken, has failed, or is not as expected."""
        return self.is_failing or self.state == "broken" or self.health in HEALTHS[1:]


class JobRow(NamedTuple):
    """One job. Times are ms.

    Args:
        id: its id.
        created: its place in the order of all jobs.
        name: its name, in the form in which names are sorted.
        last_run: when its last run started; None if there was none.
        last_failure: when the newest one that failed started; None if none is known.
        next_run: when it runs next; None if it does not.
        plan: jobs with the same have the same occurrences, except for those with `AT_INTERVALS`. None: its occurrences
            are its own. Another process has other numbers.
        traits: what filters ask.
    """

    id: str
    created: int
    name: str
    last_run: int | None
    last_failure: int | None
    next_run: int | None
    plan: int | None
    traits: Traits


SORTS: dict[str, tuple[Callable[[JobRow], Any], bool]] = {
    "created": (lambda job: job.created, False),
    "name": (lambda job: job.name, False),
    "bot": (lambda job: job.traits.bot_type, False),
    "state": (lambda job: job.traits.state, False),
    "last_run": (lambda job: job.last_run, True),
    "last_failure": (lambda job: job.last_failure, True),
    "next_run": (lambda job: job.next_run, False),
}
"""How lists of jobs are sorted: name -> key, None of a job that has none; and whether the highest stands first."""


class JobFilter(NamedTuple):
    """A filter of jobs; an unset argument accepts all.

    Args:
        enabled_only: only enabled jobs.
        bot_type: only those of one bot.
        q: only those whose name or description contains this, whatever its case.
        state: only those in this state; `failing`: only those whose last run has failed; `troubled`: those, and broken
            ones, and those that are not as expected; or of this health.
        choice: only those that it takes.
        ids: only these; None for all.
    """

    enabled_only: bool = False
    bot_type: str | None = None
    q: str | None = None
    state: str | None = None
    choice: JobChoice = EVERY_JOB
    ids: frozenset[str] | None = None

    @property
    def wants_all(self) -> bool:
        """Whether it accepts every job."""
        return self == JobFilter(choice=self.choice) and self.choice.is_all

    def wants(self, job_id: str, traits: Traits) -> bool:
        """Return whether it accepts a job."""
        return not (
            (self.ids is not None and job_id not in self.ids)
            or (self.enabled_only and not traits.is_enabled)
            or (self.bot_type and traits.bot_type != self.bot_type)
            or not self.choice.takes(traits.labels, traits.bot_type)
            or (self.state and not _is_in(self.state, traits))
            or (self.q and not is_found(self.q, traits.text))
        )


def _is_in(state: str, traits: Traits) -> bool:
    if state == "troubled":
        return traits.is_troubled
    if state == "failing":
        return traits.is_failing
    return state in (traits.health if state in HEALTHS else traits.state,)


def traits_of(
    bot_type: bytes | None, labels: bytes | None, enabled: bytes | None, state: bytes | None, status: bytes | None,
    health: bytes | None, name: bytes | None, description: bytes | None,
) -> Traits:  # fmt: skip
    """Read what filters ask of a job from its stored fields.

    Raises:
        ValueError: a field is damaged.
    """
    text = folded(f"{(name or b'').decode()}\n{(description or b'').decode()}")
    return Traits(
        _word(bot_type) or "", stored_labels(labels), enabled == b"1", _word(state_of(enabled, state)) or "",
        status == b"failed", _word(health), text,
    )  # fmt: skip


def row_source(keys: Keys) -> Source[JobRow]:
    """Return where the rows of an installation's jobs come from."""
    return Source(keys.jobs, keys.job, _FIELDS, _row, KEPT)


def _row(job_id: str, created: int, values: Sequence[bytes | None]) -> JobRow | None:
    *marks, ran, failed, next_run, due, kind, schedule_type, config, options = values
    name = marks[TRAIT_FIELDS.index("name")]
    if name is None:
        return None
    traits = traits_of(*marks)
    # Older releases noted no failure but the last run's.
    last_failure = failed if failed is not None else ran if traits.is_failing else None
    runs_next = None if next_run == b"%d" % NONE_RUNS else next_run or due
    return JobRow(
        job_id, created, collated(name.decode()), _number(ran), _number(last_failure), _number(runs_next),
        _plan(kind, schedule_type, config, options), traits,
    )  # fmt: skip


def _plan(kind: bytes | None, schedule_type: bytes | None, config: bytes | None, options: bytes | None) -> int | None:
    """Return a plan's number. It stands for the kind, see `service.domain.kinds`, and for the texts that made it.

    Other hands may have changed the texts alone.
    """
    if schedule_type == b"interval":
        return AT_INTERVALS
    return None if kind is None else hash((kind, schedule_type, config, options))


@lru_cache(1024)
def _word(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "surrogatepass")


def _number(value: bytes | None) -> int | None:
    return None if value is None else int(value)
