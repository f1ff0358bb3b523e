"""Channels and rules of a document of definitions: checked, compared with the stored ones, and saved around its jobs.

A document may leave out either list; then `prune` deletes none of these. Channels name settings, never their values.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from service.domain.access.callers import caller
from service.domain.access.differences import differences
from service.domain.access.scopes import Scope
from service.domain.alerting.channel import Channel, parse_channel
from service.domain.alerting.rule import Rule, parse_rule
from service.domain.ids import is_id
from service.domain.input.refusals import Refusals, echo
from service.errors import ConcurrentChange, Conflict, Forbidden, ValidationFailed
from service.store.alerting.channel_store import CHANNELS_LIMIT, ChannelRecord, ChannelStore
from service.store.alerting.rule_store import RULES_LIMIT, RuleRecord, RuleStore
from service.store.scripts import Scripts
from service.usecases.access.sight import is_limited
from service.usecases.alerting.rules import check_rule
from service.usecases.documents.document_jobs import within

T = TypeVar("T")
CHANNELS, RULES = "channels", "rules"
"""The names of the lists in a document."""


@dataclass(frozen=True, slots=True)
class ChannelStep:
    """A channel to create, change or delete. `before`: the stored one; `after`: as it is to be."""

    before: ChannelRecord | None
    after: Channel | None

    def answer(self) -> dict[str, Any]:
        """Describe the change as the API shows it."""
        old = None if self.before is None else self.before.channel
        name = old.name if self.after is None and old is not None else self.after.name if self.after else ""
        return _told("channel", None, name, old, self.after)


@dataclass(frozen=True, slots=True)
class RuleStep:
    """A rule to create, change or delete. `before`: the stored one; `after`: as it is to be; `field`: its place."""

    id: str
    before: RuleRecord | None
    after: Rule | None
    field: str = ""

    def answer(self) -> dict[str, Any]:
        """Describe the change as the API shows it."""
        old = None if self.before is None else self.before.rule
        rule = self.after or old
        assert rule is not None
        name = f"{rule.channel}: {', '.join(rule.on)}"
        return _told("rule", self.id, name, old, self.after)


class DocumentAlerts:
    """The channels and the rules of one document.

    Args:
        scripts: the scripts of this installation.
        document: the document, a JSON object.
        prune: whether to delete those that the document does not have, of each list that it has.
        job_ids: of the jobs that the document creates, for which rules may be.
        bot_types: the known ones.

    Raises:
        ValidationFailed: naming the fields of every invalid channel and rule.
        Forbidden: it has one of the lists, and the caller may not change channels and rules.
        Conflict: there would be too many.
    """

    def __init__(
        self, scripts: Scripts, document: Mapping[str, Any], prune: bool, job_ids: Collection[str],
        bot_types: Collection[str],
    ) -> None:  # fmt: skip
        self._channels, self._rules = ChannelStore(scripts), RuleStore(scripts)
        self.channel_steps: list[ChannelStep] = []
        self.rule_steps: list[RuleStep] = []
        if CHANNELS not in document and RULES not in document:
            return
        _require_admin()
        stored = {record.channel.name: record for record in self._channels.all()}
        rules = {record.id: record for record in self._rules.all()}
        if CHANNELS in document:
            wanted = {one.name: one for one in _each(document, CHANNELS, _channel, lambda one: one.name, "name")}
            self.channel_steps = _channel_steps(stored, wanted, prune)
        if RULES in document:
            matched = _matched(_each(document, RULES, _rule, lambda one: one[0], "id"), rules)
            self.rule_steps = _rule_steps(rules, matched, prune)
        self._require_channels(set(stored), rules)
        refusals = Refusals()
        for step in self.rule_steps:
            if step.after is not None:
                before = None if step.before is None else step.before.rule
                check = partial(check_rule, scripts, bot_types, before=before, coming=job_ids)
                refusals.attempt(partial(_within, step.field, check, step.after))
        refusals.raise_any()
        _require_room(CHANNELS, len(stored), self.channel_steps, CHANNELS_LIMIT)
        _require_room(RULES, len(rules), self.rule_steps, RULES_LIMIT)

    def answers(self) -> list[dict[str, Any]]:
        """Describe all changes as the API shows them."""
        return [*(step.answer() for step in self.channel_steps), *(step.answer() for step in self.rule_steps)]

    def save_channels(self, now_ms: int) -> None:
        """Store the channels that are new or differ. Raises ConcurrentChange: others changed one meanwhile."""
        for step in self.channel_steps:
            if step.after is None:
                continue
            record = ChannelRecord(step.after, now_ms, now_ms, now_ms)
            if step.before is not None:
                revision = step.before.revision + 1
                record = replace(step.before, channel=step.after, revision=revision, updated_at=now_ms)
            if not self._channels.save(record, step.before):
                raise _changed(f"Channel {step.after.name}")

    def save_rules(self, now_ms: int) -> None:
        """Store the rules, once their jobs exist; then delete what is to go. Raises ConcurrentChange."""
        for step in self.rule_steps:
            every = self._rules.all()
            stored = next((one for one in every if one.id == step.id), None)
            if stored != step.before:
                raise _changed(f"Rule {step.id}")
            if step.after is None:
                done = step.before is None or self._rules.delete(step.before, every) is not None
            else:
                record = RuleRecord(step.id, step.after, 1, now_ms, now_ms)
                if step.before is not None:
                    revision = step.before.revision + 1
                    record = replace(step.before, rule=step.after, revision=revision, updated_at=now_ms)
                done = self._rules.save(record, every) == "saved"
            if not done:
                raise _changed(f"Rule {step.id}")
        for gone in self.channel_steps:
            if gone.after is None and gone.before is not None and self._channels.delete(gone.before) is not True:
                raise _changed(f"Channel {gone.before.channel.name}")

    def _require_channels(self, stored: set[str], rules: Mapping[str, RuleRecord]) -> None:
        """Refuse a rule whose channel there will not be."""
        gone = {step.before.channel.name for step in self.channel_steps if step.after is None and step.before}
        will_be = (stored | {step.after.name for step in self.channel_steps if step.after is not None}) - gone
        after = {rule_id: record.rule for rule_id, record in rules.items()}
        after |= {step.id: step.after for step in self.rule_steps if step.after is not None}
        left = {step.id for step in self.rule_steps if step.after is None}
        refusals = Refusals()
        for rule_id, rule in after.items():
            if rule_id not in left and rule.channel not in will_be:
                refusals.add(CHANNELS, f"must have {echo(rule.channel)}, which the rule {rule_id} names")
        refusals.raise_any()


def _require_admin() -> None:
    """Refuse a caller who may not change channels and rules. Raises Forbidden."""
    caller().require(Scope.ADMIN)
    if is_limited():
        raise Forbidden("This key is limited to some jobs; channels and rules need a key without limits")


def exported_alerts(scripts: Scripts) -> dict[str, list[dict[str, Any]]]:
    """Return the definitions of all channels and rules, by the names of their lists; none to who may not see them."""
    if Scope.ADMIN not in caller().scopes or is_limited():
        return {}
    rules = sorted(RuleStore(scripts).all(), key=lambda record: record.id)
    return {
        CHANNELS: [record.channel.answer() for record in ChannelStore(scripts).all()],
        RULES: [{"id": record.id, **record.rule.answer()} for record in rules],
    }


def _each(
    document: Mapping[str, Any], name: str, parse: Callable[[Any], T], key: Callable[[T], str | None], key_name: str
) -> list[T]:  # fmt: skip
    """Parse each entry of a list, of which no two may have one key."""
    bodies = document[name]
    if not isinstance(bodies, list):
        raise ValidationFailed.of(name, f"must be a list of {name}")
    refusals, found, keys = Refusals(), list[T](), set[str]()
    for index, body in enumerate(bodies):
        if refusals.full:
            break
        one = refusals.attempt(partial(_within, f"{name}[{index}]", parse, body))
        if one is None:
            continue
        its_key = key(one)
        if its_key is not None and its_key in keys:
            refusals.add(f"{name}[{index}].{key_name}", "is in the document twice")
        keys |= set() if its_key is None else {its_key}
        found.append(one)
    refusals.raise_any()
    return found


def _within(field: str, parse: Callable[[Any], T], body: Any) -> T:
    try:
        return parse(body)
    except ValidationFailed as refusal:
        raise within(field, refusal) from None


def _channel(body: object) -> Channel:
    return parse_channel(body)


def _rule(body: object) -> tuple[str | None, Rule]:
    rule_id = body.get("id") if isinstance(body, dict) else None
    if rule_id is not None and not is_id(rule_id):
        raise ValidationFailed.of("id", f"must be the UUID of a rule, or left out, not {echo(rule_id)}")
    return rule_id, parse_rule(body)


def _matched(
    wanted: list[tuple[str | None, Rule]], stored: Mapping[str, RuleRecord]
) -> dict[str, tuple[str, Rule]]:  # fmt: skip
    """Return id -> place and rule. A rule without an id is the stored one that says the same, or else new."""
    given = {rule_id for rule_id, _ in wanted}
    free = [one for one in stored.values() if one.id not in given]
    found = {}
    for index, (rule_id, rule) in enumerate(wanted):
        if rule_id is None:
            same = next((one for one in free if one.rule == rule), None)
            free = [one for one in free if one is not same]
            rule_id = str(uuid.uuid4()) if same is None else same.id
        found[rule_id] = (f"{RULES}[{index}]", rule)
    return found


def _channel_steps(
    stored: Mapping[str, ChannelRecord], wanted: Mapping[str, Channel], prune: bool
) -> list[ChannelStep]:  # fmt: skip
    steps = [ChannelStep(stored.get(name), one) for name, one in wanted.items()]
    changed = [step for step in steps if step.before is None or step.before.channel != step.after]
    return changed + [ChannelStep(one, None) for name, one in stored.items() if prune and name not in wanted]


def _rule_steps(
    stored: Mapping[str, RuleRecord], wanted: Mapping[str, tuple[str, Rule]], prune: bool
) -> list[RuleStep]:  # fmt: skip
    steps = [RuleStep(rule_id, stored.get(rule_id), rule, field) for rule_id, (field, rule) in wanted.items()]
    changed = [step for step in steps if step.before is None or step.before.rule != step.after]
    return changed + [RuleStep(one.id, one, None) for one in stored.values() if prune and one.id not in wanted]


def _require_room(name: str, count: int, steps: Collection[ChannelStep | RuleStep], limit: int) -> None:
    after = count + sum(step.before is None for step in steps)
    if after > limit:  # what goes, goes last
        raise Conflict(f"There would be {after} {name}; {limit} are allowed. Nothing was changed")


def _told(
    kind: str, its_id: str | None, name: str, old: Channel | Rule | None, new: Channel | Rule | None
) -> dict[str, Any]:  # fmt: skip
    told = {"kind": kind, "action": "create" if old is None else "delete" if new is None else "update", "id": its_id}
    changed = {} if new is None else differences({} if old is None else old.answer(), new.answer())
    return {**told, "name": name, "fields": {path: {"from": was, "to": now} for path, (was, now) in changed.items()}}


def _changed(what: str) -> ConcurrentChange:
    return ConcurrentChange(f"{what} was changed by others in the meantime; apply the document again")
