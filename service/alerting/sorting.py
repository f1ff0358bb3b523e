"""Sorting of alerts: whom each note of the outbox is told to.

ALERT_URL is told of everything, a job's `alert_urls` of the job, and a channel of what its rules ask for. What a script
leaves because a rule asks for it goes to channels alone.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from service.alerting import alert_texts, wording
from service.alerting.alert_addresses import Addresses, of_a_channel, of_a_job
from service.domain.alert_folding import Fate, Folding, summary_is_due, summary_is_void
from service.domain.alerting.channel import Channel
from service.domain.alerting.rule import ONLY_BY_RULE, JobFacts, Rule, channels_told
from service.domain.heartbeats.terms import is_watched
from service.domain.records import UnreadableJob
from service.secrecy.redaction import Redaction
from service.store.alerting.channel_store import ChannelStore
from service.store.alerting.deliveries import Deliveries
from service.store.alerting.rule_store import RuleStore
from service.store.jobs.job_hashes import JobStore
from service.store.outbox import Outbox, facts
from service.store.runs.run_views import History
from service.store.scripts import Scripts

log = logging.getLogger(__name__)

LEFT_OUT = "(left out, since this bot's logs are about persons)"


@dataclass(frozen=True, slots=True)
class _Audience:
    """Whom an alert is told to: its job's name and labels, names of settings and channels, templates by channel."""

    name: str
    labels: Mapping[str, str]
    bot_type: str
    told: Collection[str]
    templates: Mapping[str, str]


class Sorter:
    """Makes deliveries of the notes in the outbox.

    Args:
        scripts: the scripts of this installation.
        outbox: where the notes are.
        addresses: finds them.
        redaction: removes secrets.
        persons: the bots whose logs are about persons.
    """

    def __init__(
        self, scripts: Scripts, outbox: Outbox, addresses: Addresses, redaction: Redaction,
        persons: Collection[str] = (),
    ) -> None:  # fmt: skip
        self._outbox = outbox
        self._deliveries = Deliveries(scripts)
        self._jobs = JobStore(scripts)
        self._history = History(scripts)
        self._channels, self._rules = ChannelStore(scripts), RuleStore(scripts)
        self._addresses = addresses
        self._redaction = redaction
        self._persons = persons
        self._folding = Folding()
        self._known_rules: list[Rule] | None = None
        self._known_channels: list[Channel] | None = None

    def look_again(self) -> None:
        """Read rules and channels anew for the notes that follow. To read them for each would make a storm last."""
        self._known_rules = self._known_channels = None

    def sort_next(self) -> bool:
        """Sort the oldest note. Return False if no note is left.

        Raises:
            StoreUnavailable: Redis is away.
        """
        taken = self._outbox.take_up()
        if taken is None:
            return self._sort_summary()
        said = facts(taken)
        fate: Fate = "send"
        try:
            if said.get("kind") == "missed":
                fate = self._folding.fate(said, self._outbox.moment())
            audience = None if fate == "drop" else self._audience(said, fate)
            if audience is None:
                self._outbox.done(taken)
                return True
            says = self._says(said, audience)
            subject = self._redaction.applied(wording.subject_of(says))
        except alert_texts.NOT_FACTS:
            log.error("The outbox held something that is not an alert; dropped")
            self._outbox.done(taken)
            return True
        self._queue(taken, says, subject, audience.told, "1" if fate == "fold" else "")
        return True

    def _queue(self, note: bytes, says: Mapping[str, Any], subject: str, told: Iterable[str], fold: str) -> None:
        said = says["said"]
        record = {name: str(said[name]) for name in ("kind", "job_id", "run_id") if said.get(name) is not None}
        addresses = self._addresses.told(told)
        self._deliveries.sort(note, str(uuid.uuid4()), says, {**record, "subject": subject}, addresses, fold)

    def _sort_summary(self) -> bool:
        """Sort the one alert in place of those that were folded, unless the clock is back. Return False: it is last."""
        moment = self._outbox.moment()
        if not summary_is_due(moment):
            return False
        if summary_is_void(moment):
            self._outbox.end_fold(moment.folded)
            return False
        subject, body = alert_texts.words_of_folded(moment)
        says = {"said": {"kind": "missed", "at": moment.now_ms}, "told": [subject, body]}
        told = [*self._for_rules(rule for rule in self._all_rules() if "missed" in rule.on and rule.is_for_all)]
        self._queue(b"", says, subject, [*told, *self._addresses.of_the_service()], str(moment.folded))
        return False

    def _audience(self, said: Mapping[str, Any], fate: Fate) -> _Audience | None:
        """Return whom a note is told to; None if its job is deleted.

        A folded alert still goes to addresses that get alerts of few jobs: the job's own, and those of rules that are
        not for all jobs.
        """
        kind, failures = str(said["kind"]), said.get("failures")
        service = self._addresses.of_the_service() if fate == "send" else []
        if kind in alert_texts.OF_THE_SERVICE:
            channels = channels_told(self._all_rules(), kind, None, None)
            return _Audience("", {}, "", [*self._named(channels), *service], _templates(channels))
        job_id = str(said["job_id"])
        only_by_rule = kind in ONLY_BY_RULE or (kind == "failed" and failures is not None and failures > 1)
        try:
            job = self._jobs.get(job_id)
        except UnreadableJob:
            return _Audience(job_id, {}, "", service, {})
        if job is None:
            return None
        is_for = JobFacts(job_id, job.definition.labels, job.definition.bot_type)
        rules = [rule for rule in self._all_rules() if fate == "send" or not rule.is_for_all]
        channels = channels_told(rules, kind, None if failures is None else int(failures), is_for)
        usual = [] if only_by_rule else [*of_a_job(job.definition.options.alert_urls), *service]
        return _Audience(
            job.definition.name, is_for.labels, is_for.bot_type, [*self._named(channels), *usual], _templates(channels)
        )

    def _says(self, said: Mapping[str, Any], audience: _Audience) -> dict[str, Any]:
        """Gather what the alert tells, as it is now: the job may be another when it is sent."""
        says: dict[str, Any] = {"said": said}
        if audience.name:
            says |= {"name": audience.name, "labels": dict(audience.labels)}
        if is_watched(audience.bot_type):
            says["elsewhere"] = True
        if audience.templates:
            says["templates"] = dict(audience.templates)
        if audience.bot_type and "run_id" in said and said["kind"] in ("failed", "news", "breach"):
            lines = [LEFT_OUT] if audience.bot_type in self._persons else self._log(str(said["run_id"]))
            says |= {"log": lines} if lines else {}
        return says

    def _log(self, run_id: str) -> list[str]:
        lines = self._history.log(run_id).parsed()[-wording.LOG_LINES :]
        messages = [self._redaction.applied(str(line.get("message", ""))) for line in lines]
        told = [" ".join(line.split()) for message in messages for line in message.splitlines()]
        return [line[: wording.LINE_SIZE] for line in told if line][-wording.LOG_LINES :]

    def _all_rules(self) -> list[Rule]:
        if self._known_rules is None:
            self._known_rules = [record.rule for record in self._rules.all()]
        return self._known_rules

    def _for_rules(self, rules: Iterable[Rule]) -> list[str]:
        return self._named({rule.channel: None for rule in rules})

    def _named(self, channels: Iterable[str]) -> list[str]:
        """Name channels with their secrets; leave out those that are gone."""
        wanted = set(channels)
        if wanted and self._known_channels is None:
            self._known_channels = [record.channel for record in self._channels.all()]
        return [of_a_channel(channel) for channel in self._known_channels or () if channel.name in wanted]


def _templates(channels: Mapping[str, str | None]) -> dict[str, str]:
    return {name: template for name, template in channels.items() if template is not None}
