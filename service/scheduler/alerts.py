"""Tells people when a run fails for good, when its job recovers, was switched off, or missed occurrences, and what a
bot has to tell of its work.

The scripts put a note into an outbox in the same step as what happened, once a streak of failures and at most once an
hour for missed occurrences. A thread of the acting scheduler sends them, so that no run and no tick waits for a mail
server. An alert is sent at least once: a scheduler that stops or dies while it sends leaves it to the next one, which
tells everybody again. An address that takes none after a few tries is given up for that alert, and the log says so.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from redis.exceptions import RedisError

from service.domain import notices
from service.domain.alert_folding import Fate, Folding, Moment, summary_is_due, summary_is_void
from service.domain.notices import Step, WentBack
from service.domain.options import Options
from service.domain.records import UnreadableJob
from service.domain.timestamps import format_ms, format_timestamp
from service.errors import DeliveryFailed, ServiceError
from service.messages import announce, destination
from service.outage import outage
from service.secrecy.redaction import Redaction
from service.secrecy.secret_hosts import Hosts, hosts_of
from service.secrecy.secret_names import SUFFIX, is_secret, referenced
from service.store.jobs.job_hashes import JobStore
from service.store.outbox import Outbox, facts

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
TRIES = 3
RETRY_SECONDS = 5.0
"""The pause before the second try; the next is twice as long."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where an alert goes.

    Args:
        url: an Apprise URL.
        name: what it is called in the log.
        redirects: whether a server may send the alert on to another.
    """

    url: str
    name: str
    redirects: bool = True


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
        self._redaction = Redaction.of(environment)
        self._folding = Folding()
        self._down: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="alerts", daemon=True)

    def start(self) -> None:
        """Begins to send."""
        self._thread.start()

    def stop(self) -> None:
        """Asks the thread to end. What it is sending just now is sent again by the next scheduler."""
        self._stop.set()

    def _work(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            try:
                while self._leads() and not self._stop.is_set() and self.send_next():
                    pass
            except (ServiceError, RedisError, OSError) as error:
                outage.tell(log, error, "Alerts wait")

    def send_next(self) -> bool:
        """Sends the oldest alert, or gives it up. Returns False if there is none, or it is left to another scheduler.

        Raises:
            StoreUnavailable: Redis is away.
        """
        taken = self._outbox.take_up()
        if taken is None:
            return self._tell_of_folded()
        said = facts(taken)
        fate: Fate = "send"
        try:
            if said.get("kind") == "missed":
                fate = self._folding.fate(said, self._outbox.moment())
            if said.get("kind") in OF_THE_SERVICE:
                urls = self._addresses_of_the_service()
                subject, body = words_of_the_service(said)
            else:
                name, urls = self._audience(str(said.get("job_id")), fate)
                subject, body = words(name, said)
            subject, body = self._redaction.applied(subject), self._redaction.applied(body)
        except (LookupError, ValueError, TypeError, ArithmeticError, OSError):
            log.error("The outbox held something that is no alert; dropped")
            urls = {}
        if not all(self._send(address, subject, body) for address in urls.values()):
            return False
        if fate == "fold":
            self._outbox.fold(taken)
        else:
            self._outbox.done(taken)
        return True

    def _tell_of_folded(self) -> bool:
        """One alert in place of those that were folded, unless the clock is back."""
        moment = self._outbox.moment()
        if not summary_is_due(moment):
            return False
        urls = {} if summary_is_void(moment) else self._addresses_of_the_service()
        subject, body = words_of_folded(moment)
        if not all(self._send(address, subject, body) for address in urls.values()):
            return False
        self._outbox.end_fold(moment.folded)
        return True

    def _addresses_of_the_service(self) -> dict[str, Address]:
        return {
            url: Address(url, f"URL {number} of ALERT_URL") for number, url in enumerate(self._service_urls, start=1)
        }

    def _audience(self, job_id: str, fate: Fate) -> tuple[str, dict[str, Address]]:
        """A job's name, and to which addresses its alert goes, by their URLs; none if it is deleted.

        One that is folded still goes to the job's own, who are told of few jobs.
        """
        if fate == "drop":
            return job_id, {}
        urls = self._addresses_of_the_service() if fate == "send" else {}
        try:
            job = self._jobs.get(job_id)
        except UnreadableJob:
            return job_id, urls
        if job is None:
            return job_id, {}
        own = self._urls_of(job_id, job.definition.options)
        return job.definition.name, {**own, **urls}

    def _urls_of(self, job_id: str, options: Options) -> dict[str, Address]:
        found = {}
        for name in options.alert_urls:
            variable = referenced(name)
            # only secrets are looked up, so that no job can have another setting sent anywhere
            value = self._environment.get(variable) if is_secret(variable) else None
            if not value or not value.strip():
                log.warning("Job %s: %s in alert_urls is not set where the scheduler runs", job_id, variable)
                continue
            hosts = hosts_of(variable, self._environment)
            for url in value.split():
                if hosts is not None and not _may_go(url, hosts):
                    log.error(
                        "Job %s: %s is told nothing: %s%s does not list its host", job_id, variable, variable, SUFFIX
                    )
                    continue
                found[url] = Address(url, variable, redirects=hosts is None)
        return found

    def _send(self, address: Address, subject: str, body: str) -> bool:
        """Tries a few times, or once where the last alert did not get through, so that a dead address holds up little.

        Returns:
            False if it was broken off, because this scheduler stops or does not lead any more.
        """
        tries = 1 if address.url in self._down else TRIES
        for attempt in range(1, tries + 1):
            reason = _attempt(address, subject, body)
            if reason is None:
                self._down.discard(address.url)
                return True
            log.warning("An alert was not taken by %s (try %d of %d): %s", address.name, attempt, tries, reason)
            if attempt < tries and (self._stop.wait(RETRY_SECONDS * attempt) or not self._leads()):
                return False
        self._down.add(address.url)
        log.error("An alert was given up, since %s does not take it", address.name)
        return True


def _may_go(url: str, hosts: Hosts) -> bool:
    leads_to = destination(url)
    return leads_to is not None and hosts.allow(*leads_to)


def _attempt(address: Address, subject: str, body: str) -> str | None:
    """Sends once. Returns why it was not taken; None if it was."""
    try:
        announce(address.url, subject, body, redirects=address.redirects)
    except DeliveryFailed as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - a channel's own defect must not end the thread; its text may be secret
        return f"the channel broke off ({type(error).__name__})"
    return None


WORDS = {
    "failed": "failed",
    "recovered": "is well again",
    "missed": "missed occurrences",
    "switched_off": "was switched off",
}


OF_THE_SERVICE = ("clock_stepped", "data_went_back")
"""Kinds of alerts that belong to no job; they go to ALERT_URL alone."""


NEWS = "news"
"""The kind of alerts that a bot has asked for."""
NEWS_SIZE = 1_500
"""Characters of what it tells that are shown: some channels take no more than 2,000 in all."""


def words_of_a_bot(name: str, said: Mapping[str, Any]) -> tuple[str, str]:
    """The subject and body of what a bot has to tell of its work; takes and raises what `words` does."""
    count, lines = int(said["count"]), [str(line) for line in said["lines"]]
    subject = f"{name}: {'something' if count == 1 else f'{count} things'} to look at"
    while sum(map(len, lines)) > NEWS_SIZE:
        lines.pop()
    more = [f"and {count - len(lines)} more, which stand in the run's log"] if count > len(lines) else []
    told = [f"- {line}" for line in (*lines, *more)]
    when = format_ms(int(said["at"]))
    head = (f"Job: {name} ({said['job_id']})", f"When: {when} UTC", f"Run: {said['run_id']}")
    return subject, "\n".join((*head, *told))


def words_of_the_service(said: Mapping[str, Any]) -> tuple[str, str]:
    """The subject and body of an alert that belongs to no job.

    Raises:
        LookupError, ValueError, TypeError, ArithmeticError, OSError: `said` holds no such facts.
    """
    if said["kind"] == "clock_stepped":
        step = Step(int(said["by"]), int(said["before"]), int(said["at"]))
        way = "forward" if step.by_ms > 0 else "back"
        return (
            f"Redis' clock was set {way} by {notices.length(step.by_ms)}",
            f"{notices.stepped(step)}.\n{notices.CLOCK_ADVICE}",
        )
    back = WentBack(int(said["at"]), str(said["seen"]), int(said["beats"]))
    return "The data in Redis went back", f"{notices.went_back(back)}.\n{notices.DATA_ADVICE}"


def words_of_folded(moment: Moment) -> tuple[str, str]:
    """The subject and body of the alert in place of those that were folded."""
    since = f" after {notices.stepped(moment.step)}" if moment.step else ""
    told = f"At least {moment.folded} more jobs missed occurrences"
    return told, f"{told}{since}.\n{notices.CLOCK_ADVICE}"


def words(name: str, said: Mapping[str, Any]) -> tuple[str, str]:
    """An alert's subject and body.

    Args:
        name: the job's.
        said: the alert's facts.

    Raises:
        LookupError, ValueError, TypeError, ArithmeticError, OSError: they are none.
    """
    if said["kind"] == NEWS:
        return words_of_a_bot(name, said)
    subject = f"{name} {WORDS[said['kind']]}"
    lines = [f"Job: {name} ({said['job_id']})", f"When: {format_timestamp(int(said['at']) // 1000)} UTC"]
    if "run_id" in said:
        lines.append(f"Run: {said['run_id']}")
    if "error" in said:
        lines.append(f"Why: {said['error']}")
    if "occurrences" in said:
        since = format_timestamp(int(said["occurrence"]))
        lines.append(
            f"Skipped, since found later than misfire_grace_seconds: {said['occurrences']:.0f}, from {since} on. "
            "More of them within the hour are not told of; the job's history has all."
        )
    return subject, "\n".join(lines)
