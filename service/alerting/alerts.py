"""Sends alerts: a run failed for good, its job recovered, was switched off or missed occurrences, or a bot has news.

The scripts put a note into an outbox in the same step as what happened, once a streak of failures and at most once an
hour for missed occurrences. A thread of the process that is the courier (`service.alerting.courier`) sends them, so
that no run, no tick and no request waits for a mail server. An alert is sent at least once: a courier that stops or
dies while it sends leaves it to the next one, which sends it to every address again. An address that takes none after a
few tries is given up for that alert, and the log and the watch say so.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from redis.exceptions import RedisError

from service.alerting import alert_addresses, alert_texts
from service.alerting.alert_addresses import Address
from service.backoff import Backoff
from service.domain.alert_folding import Fate, Folding, summary_is_due, summary_is_void
from service.domain.records import UnreadableJob
from service.errors import DeliveryFailed, ServiceError
from service.messages import announce
from service.outage import outage
from service.secrecy.redaction import Redaction
from service.store.jobs.job_hashes import JobStore
from service.store.outbox import Outbox, facts

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
TRIES = 3
RETRY_SECONDS = 5.0
"""The pause before the second try; the next is twice as long."""


class Alerts:
    """The thread that empties the outbox while `leads()` says so.

    Args:
        outbox: on a connection that the process' own work does not use.
        jobs: the job store, on that connection.
        alert_url: `ALERT_URL`: Apprise URLs separated by spaces, or None.
        leads: whether this process is the courier.
        environment: where the jobs' `alert_urls` are looked up.
    """

    def __init__(
        self, outbox: Outbox, jobs: JobStore, alert_url: str | None, leads: Callable[[], bool],
        environment: Mapping[str, str] = os.environ,
    ) -> None:  # fmt: skip
        self._outbox = outbox
        self._jobs = jobs
        self._of_the_service = alert_addresses.of_the_service(alert_url)
        self._leads = leads
        self._environment = environment
        self._redaction = Redaction.of(environment)
        self._folding = Folding()
        self._down: set[str] = set()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to send."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, args=(self._stop,), name="alerts", daemon=True)
        self._thread.start()

    def stop(self, seconds: float = 0.0) -> bool:
        """Ask the thread to end. The next courier sends again what this one is sending just now.

        Args:
            seconds: how long to wait for it.

        Returns:
            Whether it has ended.
        """
        self._stop.set()
        if self._thread is None:
            return True
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _work(self, stop: threading.Event) -> None:
        while not stop.wait(POLL_SECONDS):
            try:
                while self._leads() and not stop.is_set() and self.send_next():
                    pass
            except (ServiceError, RedisError, OSError) as error:
                outage.tell(log, error, "Alerts wait")

    def send_next(self) -> bool:
        """Send the oldest alert, or give it up.

        Returns:
            False if there is none, or it is left to another courier.

        Raises:
            StoreUnavailable: Redis is away.
        """
        taken = self._outbox.take_up()
        if taken is None:
            return self._send_summary()
        said = facts(taken)
        fate: Fate = "send"
        try:
            if said.get("kind") == "missed":
                fate = self._folding.fate(said, self._outbox.moment())
            addresses, subject, body = self._worded(said, fate)
        except alert_texts.NOT_FACTS:
            log.error("The outbox held something that is not an alert; dropped")
            addresses, subject, body = {}, "", ""
        if not self._send_to_all(addresses.values(), subject, body):
            return False
        if fate == "fold":
            self._outbox.fold(taken)
        else:
            self._outbox.done(taken)
        return True

    def _worded(self, said: Mapping[str, Any], fate: Fate) -> tuple[dict[str, Address], str, str]:
        """Return where an alert goes, its subject and its body, both without secrets."""
        if said.get("kind") in alert_texts.OF_THE_SERVICE:
            addresses = self._of_the_service
            subject, body = alert_texts.words_of_the_service(said)
        else:
            name, addresses = self._audience(str(said.get("job_id")), fate)
            subject, body = alert_texts.words(name, said)
        return addresses, self._redaction.applied(subject), self._redaction.applied(body)

    def _send_summary(self) -> bool:
        """Send one alert in place of those that were folded, unless the clock is back."""
        moment = self._outbox.moment()
        if not summary_is_due(moment):
            return False
        addresses = {} if summary_is_void(moment) else self._of_the_service
        if not self._send_to_all(addresses.values(), *alert_texts.words_of_folded(moment)):
            return False
        self._outbox.end_fold(moment.folded)
        return True

    def _audience(self, job_id: str, fate: Fate) -> tuple[str, dict[str, Address]]:
        """Return a job's name, and the addresses of its alert; none if the job is deleted.

        A folded alert still goes to the job's own addresses, which get alerts of few jobs.
        """
        if fate == "drop":
            return job_id, {}
        addresses = self._of_the_service if fate == "send" else {}
        try:
            job = self._jobs.get(job_id)
        except UnreadableJob:
            return job_id, addresses
        if job is None:
            return job_id, {}
        own = alert_addresses.of_a_job(job_id, job.definition.options, self._environment)
        return job.definition.name, {**own, **addresses}

    def _send_to_all(self, addresses: Iterable[Address], subject: str, body: str) -> bool:
        return all(self._send(address, subject, body) for address in addresses)

    def _send(self, address: Address, subject: str, body: str) -> bool:
        """Try a few times, or once where the last alert did not get through, so that a dead address delays little.

        Returns:
            False if it was broken off, because this process stops or is not the courier any more.
        """
        tries, reason = 1 if address.url in self._down else TRIES, None
        backoff = Backoff(RETRY_SECONDS, RETRY_SECONDS * 2**TRIES)
        for number in range(1, tries + 1):
            reason = attempt(address, subject, body)
            if reason is None:
                self._down.discard(address.url)
                self._outbox.note_delivery(address.name)
                return True
            log.warning("An alert was not taken by %s (try %d of %d): %s", address.name, number, tries, reason)
            if number < tries and (self._stop.wait(backoff.next()) or not self._leads()):
                return False
        self._down.add(address.url)
        self._outbox.note_delivery(address.name, self._redaction.applied(reason or ""))
        log.error("Giving up an alert, because %s does not accept it", address.name)
        return True


def attempt(address: Address, subject: str, body: str) -> str | None:
    """Send once. Return why the address did not take it, without secrets; None if it did."""
    try:
        announce(address.url, subject, body, redirects=address.redirects)
    except DeliveryFailed as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - a channel's own defect must not end the thread; its text may be secret
        return f"the channel broke off ({type(error).__name__})"
    return None
