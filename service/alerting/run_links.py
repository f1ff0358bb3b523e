"""Links of one use in alerts: to snooze the job's alerts, and to run it again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from service.domain.alerting.link import LIFETIME_SECONDS, PATH, Action, Link, signed
from service.domain.alerting.snooze import to_of
from service.domain.expectations.verdict import LONGEST
from service.domain.ids import is_id
from service.store.alerting.deliveries import Queued
from service.store.alerting.link_secrets import LinkSecrets
from service.store.scripts import Scripts

FIELDS: Mapping[str, Action] = {"snooze_link": "snooze", "again_link": "again"}
"""The fields of a template: which link each is."""
EXAMPLE = dict.fromkeys(FIELDS, f"https://bots.example.org{PATH}{'x' * 120}")
"""Links as a template may get them, for its trial."""
_TOKEN = re.compile(rf"{PATH}[A-Za-z0-9_-]{{8,}}")
_KINDS = ("failed", "breach")


class RunLinks:
    """Writes the links of alerts.

    Args:
        scripts: the scripts of this installation.
        public_url: where people reach the console, without a slash at its end.
    """

    def __init__(self, scripts: Scripts, public_url: str) -> None:
        self._secrets = LinkSecrets(scripts)
        self._public_url = public_url

    def of(self, queued: Queued, says: Mapping[str, Any], address: str) -> dict[str, str]:
        """Return the links of an alert, by the names of `FIELDS`; none where it is about no failure and no breach.

        An alert that is sent once more has the same ones. What is done elsewhere cannot be run again here, and a run
        that takes too long goes on still.

        Args:
            queued: the alert, as it waits for the address.
            says: what it says.
            address: whom it goes to.
        """
        said = says["said"]
        job_id, run_id = said.get("job_id"), said.get("run_id")
        if said["kind"] not in _KINDS or not is_id(job_id) or not is_id(queued.alert_id):
            return {}
        run_id = run_id if is_id(run_id) else None
        has_ended = run_id is not None and said.get("expectation") != LONGEST
        expires_at = queued.since // 1000 + LIFETIME_SECONDS
        secret, found = self._secrets.signing(), dict[str, str]()
        for field, action in FIELDS.items():
            if action == "snooze" or (has_ended and "elsewhere" not in says):
                link = Link(action, queued.alert_id, job_id, run_id, to_of(address), expires_at)
                found[field] = f"{self._public_url}{PATH}{signed(link, secret)}"
        return found


def without_links(text: str) -> str:
    """Remove the tokens of links from a text: a server may quote the message that it refuses."""
    return _TOKEN.sub(f"{PATH}…", text)
