"""Rules: which alerts a channel is told of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from service.domain.access.labels import LABELS_LIMIT, well_formed
from service.domain.ids import is_id
from service.domain.input.names import parse_name
from service.domain.input.refusals import Refusals, echo, listed, require_object
from service.errors import ValidationFailed

KINDS = ("failed", "recovered", "success", "missed", "skipped", "breach", "switched_off", "news", "service")
"""What a rule may be about. `news`: what a bot reports about its work; `service`: what belongs to no job."""
ONLY_BY_RULE = ("success", "skipped")
"""Kinds that nobody is told of unless a rule asks for it."""
MOST_AFTER = 1_000
BOTS_LIMIT = 50
TEMPLATE_LIMIT = 10_000
FIELDS = ("channel", "on", "labels", "bot_types", "job_id", "after", "template")
READ_ONLY_FIELDS = frozenset({"id", "created_at", "updated_at", "revision"})
"""Fields that a body may carry, and that have no effect there."""
_DEFAULTS: Mapping[str, Any] = {"labels": {}, "bot_types": None, "job_id": None, "after": 1, "template": None}
_BELONGS_TO = {"breach_over": "breach"}


@dataclass(frozen=True, slots=True)
class JobFacts:
    """What of a job decides which rules are for it."""

    id: str
    labels: Mapping[str, str]
    bot_type: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as its author defines it.

    Args:
        channel: the name of the channel that is told.
        on: of `KINDS`, in their order.
        labels: labels and values that a job must have, all of them.
        bot_types: the bots of the jobs; None for any.
        job_id: of the one job; None for any.
        after: it is told of the failure that is so many in a row, and of the recovery from as many.
        template: makes the text; None for the service's own.
    """

    channel: str
    on: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    bot_types: tuple[str, ...] | None = None
    job_id: str | None = None
    after: int = 1
    template: str | None = None

    @property
    def is_for_all(self) -> bool:
        """Whether it is for every job."""
        return not self.labels and self.bot_types is None and self.job_id is None

    def wants(self, kind: str, failures: int | None, job: JobFacts | None) -> bool:
        """Return whether the channel is told of an alert.

        Args:
            kind: the alert's; each that is not of `KINDS` is one of the service.
            failures: how many there were in a row, of a failure and a recovery; None if it is unknown.
            job: the alert's; None if it belongs to none.
        """
        kind = _BELONGS_TO.get(kind, kind)
        kind = kind if kind in KINDS and job is not None else "service"
        if kind not in self.on:
            return False
        if kind == "failed" and (failures or 1) != self.after:
            return False
        # A count of 0: the job was switched on again since it failed.
        if kind == "recovered" and failures and failures < self.after:
            return False
        return job is None or self.takes(job)

    def takes(self, job: JobFacts) -> bool:
        """Return whether it is for this job."""
        return (
            self.job_id in (None, job.id)
            and (self.bot_types is None or job.bot_type in self.bot_types)
            and all(job.labels.get(name) == value for name, value in self.labels.items())
        )

    def answer(self) -> dict[str, Any]:
        """Write the definition as the API shows it."""
        return {
            "channel": self.channel, "on": list(self.on), "labels": dict(self.labels),
            "bot_types": None if self.bot_types is None else list(self.bot_types), "job_id": self.job_id,
            "after": self.after, "template": self.template,
        }  # fmt: skip


def channels_told(
    rules: Iterable[Rule], kind: str, failures: int | None, job: JobFacts | None
) -> dict[str, str | None]:
    """Return the channels that are told of an alert, each once, with the template of the first rule that has one."""
    found: dict[str, str | None] = {}
    for rule in rules:
        if rule.wants(kind, failures, job):
            found[rule.channel] = found.get(rule.channel) or rule.template
    return found


def scopes_wanted(rules: Iterable[Rule]) -> dict[str, list[dict[str, Any]]]:
    """Return what scripts must leave notes of beside the usual: kind -> the jobs it is about, as scripts read them.

    `after` has the failures that are not the first in a row.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for rule in rules:
        scope: dict[str, Any] = {"labels": dict(rule.labels)} if rule.labels else {}
        scope |= {} if rule.bot_types is None else {"bot_types": list(rule.bot_types)}
        scope |= {} if rule.job_id is None else {"job_id": rule.job_id}
        for kind in ONLY_BY_RULE:
            if kind in rule.on:
                found.setdefault(kind, []).append(scope)
        if "failed" in rule.on and rule.after > 1:
            found.setdefault("after", []).append({**scope, "after": rule.after})
    return found


def parse_rule(body: object, current: Rule | None = None) -> Rule:
    """Parse a new rule, or the one that a change makes of the current one.

    Args:
        body: the fields to set; read-only ones are ignored.
        current: the rule before; None for a new one.

    Raises:
        ValidationFailed: naming every field that is refused.
    """
    given = {name: value for name, value in require_object(body, "").items() if name not in READ_ONLY_FIELDS}
    refusals = Refusals()
    refusals.unknown(given, FIELDS, "", "a rule")
    fields = {**(_DEFAULTS if current is None else current.answer()), **given}
    channel = refusals.attempt(lambda: parse_name(fields.get("channel"), "channel"))
    on = refusals.attempt(lambda: _kinds(fields.get("on")))
    labels = refusals.attempt(lambda: _labels(fields["labels"]))
    bots = refusals.attempt(lambda: _bots(fields["bot_types"]))
    job_id, after = fields["job_id"], fields["after"]
    if job_id is not None and not is_id(job_id):
        refusals.add("job_id", f"must be the id of a job, or null for all, not {echo(job_id)}")
    if not isinstance(after, int) or isinstance(after, bool) or not 1 <= after <= MOST_AFTER:
        refusals.add("after", f"must be a whole number from 1 to {MOST_AFTER:,}, not {echo(after)}")
    elif after > 1 and on is not None and "failed" not in on:
        refusals.add("after", "counts failures in a row, so on must have failed")
    template = refusals.attempt(lambda: _template(fields["template"]))
    refusals.raise_any()
    assert channel is not None and on is not None and labels is not None
    rule = Rule(channel, on, labels, bots, job_id, after, template)
    if "service" in on and not rule.is_for_all:
        raise ValidationFailed.of(
            "on", "must not have service beside labels, bot_types or job_id: such alerts belong to no job"
        )
    return rule


def _kinds(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise ValidationFailed.of("on", f"must be a list with at least one of {listed(KINDS)}, not {echo(value)}")
    refusals = Refusals()
    for index, one in enumerate(value[: len(KINDS) + 1]):
        if one not in KINDS:
            refusals.add(f"on[{index}]", f"must be {listed(KINDS)}, not {echo(one)}")
    refusals.raise_any()
    return tuple(kind for kind in KINDS if kind in value)


def _labels(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > LABELS_LIMIT:
        raise ValidationFailed.of("labels", f"must be an object of at most {LABELS_LIMIT} labels, not {echo(value)}")
    return well_formed(value, "labels")


def _bots(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    is_list = isinstance(value, list) and all(isinstance(one, str) for one in value)
    if not is_list or not 0 < len(value) <= BOTS_LIMIT:
        raise ValidationFailed.of(
            "bot_types", f"must be a list of 1 to {BOTS_LIMIT} names of bots, or null for all, not {echo(value)}"
        )
    return tuple(dict.fromkeys(value))


def _template(value: object) -> str | None:
    if value is None or (isinstance(value, str) and 0 < len(value) <= TEMPLATE_LIMIT):
        return value
    shown = f"{len(value):,} of them" if isinstance(value, str) else echo(value)
    raise ValidationFailed.of("template", f"must be text of 1 to {TEMPLATE_LIMIT:,} characters, or null, not {shown}")
