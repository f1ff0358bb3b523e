"""Tells people when a run fails for good, when its job recovers, was switched off, or missed occurrences.

The scripts put a note into an outbox in the same step as what happened, once a streak of failures and at most once an
hour for missed occurrences. A thread of the acting scheduler sends them, so that no run and no tick waits for a mail
server. An alert is sent at least once: a scheduler that dies while it sends leaves it to the next one.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

from redis.exceptions import RedisError

from service.clock import format_timestamp
from service.errors import DeliveryFailed, ServiceError
from service.messages import announce
from service.store.jobs import JobRecord, JobStore, UnreadableJob
from service.store.outbox import Outbox, facts

log = logging.getLogger(__name__)

NAMED = "env:"
NAMES = "BOT_SECRET_"
"""Only variables whose names begin so are looked up, so that no job can have another setting sent anywhere."""
POLL_SECONDS = 1.0
TRIES = 3
RETRY_SECONDS = 5.0


class Alerts:
    """The thread that empties the outbox while `leads()` says so.

    Args:
        outbox, jobs: on a connection of their own, since another thread uses the scheduler's.
        alert_url: `ALERT_URL`: Apprise URLs separated by spaces, or None.
        leads: whether this scheduler is the one that acts.
        environment: where the jobs' `alert_urls` are looked up.
    """

    def __init__(
        self, outbox: Outbox, jobs: JobStore, alert_url: str | None, leads: Callable[[], bool],
        environment: Mapping[str, str] = os.environ,
    ) -> None:  # fmt: skip
        self._outbox = outbox
        self._jobs = jobs
        self._service_urls = (alert_url or "").split()
        self._leads = leads
        self._environment = environment
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="alerts", daemon=True)

    def start(self) -> None:
        """Begins to send."""
        self._thread.start()

    def stop(self) -> None:
        """Asks the thread to end. What it is sending just now is sent again by the next scheduler if it is cut off."""
        self._stop.set()

    def _work(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            try:
                while self._leads() and not self._stop.is_set() and self.send_next():
                    pass
            except (ServiceError, RedisError, OSError) as error:
                log.warning("Alerts wait: %s", error)

    def send_next(self) -> bool:
        """Sends the oldest alert. Returns False if there is none.

        Raises:
            StoreUnavailable: Redis is away.
        """
        taken = self._outbox.take_up()
        if taken is None:
            return False
        said = facts(taken)
        job = self._job(str(said.get("job_id")))
        if job is not None and said.get("kind") in WORDS:
            subject, body = words(job.definition.name, said)
            for url in [*self._service_urls, *self._urls_of(job)]:
                self._send(url, subject, body)
        self._outbox.done(taken)
        return True

    def _job(self, job_id: str) -> JobRecord | None:
        try:
            return self._jobs.get(job_id)
        except UnreadableJob:
            return None

    def _urls_of(self, job: JobRecord) -> list[str]:
        found = []
        for name in job.definition.options.alert_urls:
            variable = name.removeprefix(NAMED)
            value = self._environment.get(variable) if variable.startswith(NAMES) else None
            if value:
                found += value.split()
            else:
                log.warning("Job %s: %s in alert_urls is not set where the scheduler runs", job.id, variable)
        return found

    def _send(self, url: str, subject: str, body: str) -> None:
        for attempt in range(1, TRIES + 1):
            try:
                announce(url, subject, body)
                return
            except DeliveryFailed as error:
                log.warning("An alert was not delivered (try %d of %d): %s", attempt, TRIES, error)
                if self._stop.wait(RETRY_SECONDS * attempt):
                    return


WORDS = {
    "failed": "failed",
    "recovered": "is well again",
    "missed": "missed occurrences",
    "switched_off": "was switched off",
}


def words(name: str, said: Mapping[str, Any]) -> tuple[str, str]:
    """An alert's subject and body.

    Args:
        name: the job's.
        said: the alert's facts.
    """
    lines = [f"Job: {name} ({said['job_id']})", f"When: {format_timestamp(int(said['at']) // 1000)} UTC"]
    if "run_id" in said:
        lines.append(f"Run: {said['run_id']}")
    if "error" in said:
        lines.append(f"Why: {str(said['error'])[:1000]}")
    if "occurrences" in said:
        since = format_timestamp(int(said["occurrence"]))
        lines.append(
            f"Skipped, since found later than misfire_grace_seconds: {said['occurrences']:.0f}, from {since} on"
        )
    return f"{name} {WORDS[said['kind']]}", "\n".join(lines)
