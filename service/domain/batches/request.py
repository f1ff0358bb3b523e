"""The request for one action on many jobs, checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from service.domain.access.labels import LABEL_IN_WORDS, LABELS_LIMIT, is_label, well_formed
from service.domain.access.scopes import Scope
from service.domain.input.refusals import Refusals, echo, joined, key_name, listed, require_object
from service.domain.job import FILTER_STATES
from service.domain.job_fields import checked_boolean
from service.domain.timestamps import parse_timestamp
from service.errors import ValidationFailed

MOST_JOBS = 1000
"""The most jobs of one call."""
LONGEST_ID = 100
"""The longest text that is taken for a job's id, in characters. A job's has 36."""
SCOPES: Mapping[str, Scope] = {
    "enable": Scope.WRITE, "disable": Scope.WRITE, "label": Scope.WRITE, "delete": Scope.WRITE,
    "run": Scope.RUN, "again": Scope.RUN,
}  # fmt: skip
"""Action -> the scope that it needs, the one that the same change of a single job needs."""
FILTERS = ("label", "bot_type", "q", "enabled_only", "state")
_FIELDS = ("filter", "ids", "action", "labels", "since", "cursor", "dry_run")
_OF_ACTIONS = {"labels": "label", "since": "again"}
"""Field -> the one action that it belongs to, and that needs it."""

Filter = Mapping[str, Any]
"""Arguments of `service.usecases.jobs.Jobs.list`; empty for all jobs."""


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """A request for one action on many jobs.

    Args:
        action: one of `SCOPES`.
        ids: the jobs, each once; None where a filter says which.
        filter: the jobs, where `ids` does not say which.
        cursor: where the filter goes on, as an earlier answer told; None for its beginning.
        labels: to lay over those of each job; None takes a label away.
        since: `again` looks at runs that were queued from then on, epoch seconds.
        dry_run: whether to tell what would be done, and to do nothing.
    """

    action: str
    ids: tuple[str, ...] | None = None
    filter: Filter = field(default_factory=lambda: MappingProxyType({}))
    cursor: str | None = None
    labels: Mapping[str, str | None] = field(default_factory=lambda: MappingProxyType({}))
    since: int = 0
    dry_run: bool = False

    def relabelled(self, labels: Mapping[str, str]) -> dict[str, str]:
        """Lay the labels of the request over those of a job."""
        laid = {**labels, **self.labels}
        return {name: value for name, value in laid.items() if value is not None}


def parse_batch(body: object) -> BatchRequest:
    """Parse the request that `POST /scheduler/batch` makes.

    Raises:
        ValidationFailed: naming every field that is refused.
    """
    fields = require_object(body, "")
    refusals = Refusals()
    refusals.unknown(fields, _FIELDS, "", "a batch")
    action = refusals.attempt(lambda: _action(fields.get("action")))
    parsed = {
        name: refusals.attempt(lambda name=name, parse=parse: parse(fields[name]))  # type: ignore[misc]
        for name, parse in _PARSERS.items()
        if name in fields
    }
    _require_one_of(fields, refusals)
    for name, its_action in _OF_ACTIONS.items():
        if name in fields and action not in (None, its_action):
            refusals.add(name, f"goes with the action {its_action} alone")
        if name not in fields and action == its_action:
            refusals.add(name, f"is required by the action {its_action}")
    refusals.raise_any()
    assert action is not None
    return BatchRequest(action, **parsed)  # type: ignore[arg-type]


def _require_one_of(fields: Mapping[str, Any], refusals: Refusals) -> None:
    if ("ids" in fields) == ("filter" in fields):
        told = "not both" if "ids" in fields else "and neither is there"
        refusals.add("ids", f'or filter must say which jobs are meant, {told}; for all jobs, send "filter": "all"')
    if "cursor" in fields and "filter" not in fields:
        refusals.add("cursor", "goes with filter alone")


def _action(value: object) -> str:
    if not isinstance(value, str) or value not in SCOPES:
        raise ValidationFailed.of("action", f"must be {listed(map(echo, SCOPES))}, not {echo(value)}")
    return value


def _ids(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= MOST_JOBS:
        got = f"{len(value):,}" if isinstance(value, list) else echo(value)
        raise ValidationFailed.of("ids", f"must be a list of 1 to {MOST_JOBS:,} ids of jobs, not {got}")
    refusals, places = Refusals(), dict[str, int]()
    for place, job_id in enumerate(value):
        if refusals.full:
            break
        if not isinstance(job_id, str) or not 0 < len(job_id) <= LONGEST_ID:
            refusals.add(f"ids[{place}]", f"must be the id of a job, not {echo(job_id)}")
        elif places.setdefault(job_id, place) != place:
            refusals.add(f"ids[{place}]", f"must not name a job twice: it is the same as ids[{places[job_id]}]")
    refusals.raise_any()
    return tuple(value)


def _filter(value: object) -> dict[str, Any]:
    if value == "all":
        return {}
    if not isinstance(value, dict) or not value:
        raise ValidationFailed.of("filter", f'must be "all", or an object with some of {listed(FILTERS)}')
    refusals = Refusals()
    refusals.unknown(value, FILTERS, "filter", "filter")
    found: dict[str, Any] = {
        name: refusals.attempt(lambda name=name, given=given: _ONE_FILTER[name](given, f"filter.{name}"))  # type: ignore[misc]
        for name, given in value.items()
        if name in FILTERS
    }
    refusals.raise_any()
    if "label" in found:
        found["labels"] = [f"{name}:{text}" for name, text in found.pop("label").items()]
    return found


def _label(value: object, path: str) -> dict[str, str]:
    if not isinstance(value, dict) or not 0 < len(value) <= LABELS_LIMIT:
        raise ValidationFailed.of(path, f"must be an object of 1 to {LABELS_LIMIT} labels, not {echo(value)}")
    return well_formed(value, path)


def _text(value: object, path: str) -> str:
    if not isinstance(value, str) or not value:
        raise ValidationFailed.of(path, f"must be text, not {echo(value)}")
    return value


def _state(value: object, path: str) -> str:
    if not isinstance(value, str) or value not in FILTER_STATES:
        raise ValidationFailed.of(path, f"must be {listed(map(echo, FILTER_STATES))}, not {echo(value)}")
    return value


_ONE_FILTER: Mapping[str, Callable[[object, str], Any]] = {
    "label": _label, "bot_type": _text, "q": _text, "enabled_only": checked_boolean, "state": _state,
}  # fmt: skip


def _labels(value: object) -> dict[str, str | None]:
    if not isinstance(value, dict) or not 0 < len(value) <= LABELS_LIMIT:
        raise ValidationFailed.of(
            "labels", f"must be an object of 1 to {LABELS_LIMIT} labels, null to take one away, not {echo(value)}"
        )
    refusals = Refusals()
    for name in (name for name, text in value.items() if text is None and not is_label(name)):
        refusals.add(joined("labels", key_name(name)), f"must have a name of {LABEL_IN_WORDS}")
    refusals.attempt(lambda: well_formed({name: text for name, text in value.items() if text is not None}, "labels"))
    refusals.raise_any()
    return dict(value)


def _cursor(value: object) -> str:
    return _text(value, "cursor")


_PARSERS: Mapping[str, Callable[[object], Any]] = {
    "ids": _ids,
    "filter": _filter,
    "labels": _labels,
    "since": lambda value: parse_timestamp(value, "since"),
    "cursor": _cursor,
    "dry_run": lambda value: checked_boolean(value, "dry_run"),
}
