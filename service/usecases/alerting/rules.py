"""Use cases of rules: list, read, create, change and delete them. See `service.usecases.alerting.channels`."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from service.alerting.trial import check_template
from service.clock import Clock
from service.domain.alerting.rule import Rule, parse_rule
from service.domain.ids import is_id
from service.domain.input.refusals import echo, listed
from service.domain.timestamps import format_ms
from service.errors import ConcurrentChange, NotFound, PreconditionFailed, ValidationFailed
from service.store.alerting.rule_store import RuleRecord, RuleStore
from service.store.jobs.job_marks import read_marks
from service.store.scripts import Scripts
from service.usecases.paging import invalid_cursor
from service.usecases.views import Page

TRIES = 20


class Rules:
    """The use cases of rules.

    Args:
        scripts: the scripts of this installation.
        clock: Redis' clock.
        bot_types: the known ones.
    """

    def __init__(self, scripts: Scripts, clock: Clock, bot_types: Collection[str]) -> None:
        self._scripts = scripts
        self._store = RuleStore(scripts)
        self._clock = clock
        self._bot_types = bot_types

    def page(self, limit: int, cursor: str | None = None, channel: str | None = None) -> Page:
        """Read a page of rules, the oldest first.

        Args:
            limit: the most rules on the page.
            cursor: the `next_cursor` of the page before.
            channel: only the rules of this channel.

        Raises:
            ValidationFailed: the cursor is invalid.
        """
        found = [one for one in self._store.all() if channel in (None, one.rule.channel)]
        if cursor is not None:
            places = [place for place, one in enumerate(found) if one.id == cursor]
            if not places:
                raise invalid_cursor()
            found = found[places[0] + 1 :]
        return Page([_answer(one) for one in found[:limit]], found[limit - 1].id if len(found) > limit else None)

    def get(self, rule_id: str) -> dict[str, Any]:
        """Read one rule. Raises NotFound."""
        return _answer(self._stored(self._store.all(), rule_id))

    def create(self, body: object) -> dict[str, Any]:
        """Create a rule.

        Raises:
            ValidationFailed: it is invalid, its channel, job or bot does not exist, or its template does not work.
            Conflict: there are too many.
            ConcurrentChange: others change rules all the time.
        """
        rule, now = parse_rule(body), self._clock.now_ms()
        check_rule(self._scripts, self._bot_types, rule, None)
        record = RuleRecord(str(uuid.uuid4()), rule, 1, now, now)
        for _ in range(TRIES):
            if self._saved(record, self._store.all()):
                return _answer(record)
        raise _keep_changing()

    def update(self, rule_id: str, body: object, revisions: Collection[int] = ()) -> dict[str, Any]:
        """Change the fields that the body names.

        Args:
            rule_id: the rule's.
            body: the fields with their new values.
            revisions: the revisions that the rule may have (`If-Match`); if empty, any.

        Raises:
            NotFound: there is no such rule.
            ValidationFailed: the changed one is invalid, as in `create`.
            PreconditionFailed: the rule is at another revision.
            ConcurrentChange: others change rules all the time.
        """
        for _ in range(TRIES):
            every = self._store.all()
            record = self._stored(every, rule_id, revisions)
            rule = parse_rule(body, record.rule)
            if rule == record.rule:
                return _answer(record)
            check_rule(self._scripts, self._bot_types, rule, record.rule)
            changed = replace(record, rule=rule, revision=record.revision + 1, updated_at=self._clock.now_ms())
            if self._saved(changed, every):
                return _answer(changed)
        raise _keep_changing()

    def delete(self, rule_id: str, revisions: Collection[int] = ()) -> None:
        """Delete a rule. What it has queued is still told.

        Args:
            rule_id: the rule's.
            revisions: as in `update`.

        Raises:
            NotFound: there is no such rule.
            PreconditionFailed: the rule is at another revision.
            ConcurrentChange: others change rules all the time.
        """
        for _ in range(TRIES):
            every = self._store.all()
            if self._store.delete(self._stored(every, rule_id, revisions), every) is not None:
                return
        raise _keep_changing()

    def _saved(self, record: RuleRecord, every: list[RuleRecord]) -> bool:
        word = self._store.save(record, every)
        if word == "no_channel":
            name = echo(record.rule.channel)
            raise ValidationFailed.of("channel", f"must be the name of a channel that exists, not {name}")
        return word == "saved"

    def _stored(self, every: list[RuleRecord], rule_id: str, revisions: Collection[int] = ()) -> RuleRecord:
        record = next((one for one in every if one.id == rule_id), None) if is_id(rule_id) else None
        if record is None:
            raise NotFound(f"Rule {rule_id[:80]} not found")
        if revisions and record.revision not in revisions:
            raise PreconditionFailed(f"Rule {rule_id} has changed; read it again and send its current ETag in If-Match")
        return record


def check_rule(
    scripts: Scripts, bot_types: Collection[str], rule: Rule, before: Rule | None = None, coming: Collection[str] = ()
) -> None:  # fmt: skip
    """Check what can only be known here; what a rule had already may have gone since.

    Args:
        scripts: the scripts of this installation.
        bot_types: the known ones.
        rule: the rule as it is to be.
        before: as it is; None for a new one.
        coming: ids of jobs that are about to be created.

    Raises:
        ValidationFailed: its job or bot does not exist, or its template does not work.
    """
    is_new = rule.job_id is not None and (before is None or rule.job_id != before.job_id)
    if is_new and rule.job_id not in coming and rule.job_id not in read_marks(scripts, [rule.job_id or ""]):
        raise ValidationFailed.of("job_id", f"must be the id of a job that exists, not {echo(rule.job_id)}")
    for index, bot in enumerate(rule.bot_types or ()):
        if bot not in bot_types and (before is None or bot not in (before.bot_types or ())):
            known = listed(map(echo, sorted(bot_types)))
            raise ValidationFailed.of(f"bot_types[{index}]", f"must be {known}, not {echo(bot)}")
    if rule.template is not None:
        check_template(scripts, rule)


def _answer(record: RuleRecord) -> dict[str, Any]:
    return {
        "id": record.id, **record.rule.answer(), "created_at": format_ms(record.created_at),
        "updated_at": format_ms(record.updated_at), "revision": record.revision,
    }  # fmt: skip


def _keep_changing() -> ConcurrentChange:
    return ConcurrentChange("The rules keep changing; try again")
