"""Page of alerts: channels, rules, and who was told what."""

from __future__ import annotations

from typing import Any

from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.domain.alerting.channel import DEFAULT_PER_HOUR
from service.errors import Conflict, NotFound, ValidationFailed
from service.store.alerting.record import STATES
from service.usecases.alerting.channels import Channels
from service.usecases.alerting.rules import Rules
from service.usecases.alerting.snoozes import Snoozes
from service.usecases.alerting.told import FILTER_KINDS, ToldAlerts
from service.usecases.jobs import Jobs
from service.usecases.views import Page as Shown
from service.web.console.page import RenderedPage, show
from service.web.http import query
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool
from service.web.services import Bots

MOST = 1_000
"""Channels, and rules, on the page: all that there can be."""
ALERTS = 50
"""Alerts on a page."""
_FILTERS = ("kind", "channel_told", "state", "job_id")
_NEW_CHANNEL = {"name": "", "url": "", "quiet_hours": None, "digest_seconds": 0, "max_per_hour": DEFAULT_PER_HOUR}
_NEW_RULE: dict[str, Any] = {
    "id": "", "channel": "", "on": ["failed", "recovered"], "labels": {}, "bot_types": None, "job_id": None,
    "after": 1, "template": None,
}  # fmt: skip
KIND_WORDS = {
    "failed": "a run failed for good", "recovered": "the job has recovered", "success": "a run succeeded",
    "missed": "occurrences were missed", "skipped": "an occurrence was skipped", "breach": "an expectation was broken",
    "switched_off": "the job was switched off", "news": "a bot has news", "service": "the service itself",
}  # fmt: skip


class AlertPage(RenderedPage):
    """`/alerts`."""

    access = BY_SESSION.needing(get=Scope.ADMIN).without_limits()

    def __init__(
        self, pool: Pool, channels: Channels, rules: Rules, told: ToldAlerts, snoozes: Snoozes, jobs: Jobs,
        bots: Bots,
    ) -> None:  # fmt: skip
        super().__init__(pool)
        self._channels = channels
        self._rules = rules
        self._told = told
        self._snoozes = snoozes
        self._jobs = jobs
        self._bots = bots

    def render(self, req: Request, resp: Response) -> None:
        """Show all; the forms begin with the channel or the rule that the address names, to change it."""
        channels, rules = self._channels.page(MOST).data, self._rules.page(MOST).data
        name, rule_id = query.text(req, "channel"), query.text(req, "rule")
        channel = next((one for one in channels if one["name"] == name), None)
        rule = next((one for one in rules if one["id"] == rule_id), None)
        wanted = {field: query.text(req, field) or None for field in _FILTERS}
        alerts = self._alerts(wanted, query.text(req, "cursor"))
        ids = [rule["job_id"] for rule in rules if rule["job_id"]]
        show(
            resp, "alerts.html", "/alerts", channels=channels, rules=rules, alerts=alerts.data, more=alerts.next_cursor,
            channel=channel or _NEW_CHANNEL, is_new_channel=channel is None, rule=rule or _NEW_RULE,
            is_new_rule=rule is None, kinds=KIND_WORDS, bots=sorted(self._bots), wanted=wanted, states=STATES,
            snoozes=self._snoozes.page(MOST).data,
            all_kinds=FILTER_KINDS, names=self._names(ids),
        )  # fmt: skip

    def _alerts(self, wanted: dict[str, str | None], cursor: str | None) -> Shown:
        try:
            return self._told.page(
                limit=ALERTS, cursor=cursor, kind=wanted["kind"], channel=wanted["channel_told"],
                state=wanted["state"], job_id=wanted["job_id"],
            )  # fmt: skip
        except ValidationFailed:  # somebody has changed the address
            return Shown([], None)

    def _names(self, job_ids: list[str]) -> dict[str, Any]:
        """Return the names of jobs that rules are for, as far as there are such jobs."""
        found = {}
        for job_id in dict.fromkeys(job_ids):
            try:
                found[job_id] = self._jobs.get(job_id).data["name"]
            except (NotFound, Conflict):
                continue
        return found
