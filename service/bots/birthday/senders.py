"""Base class of the two ways to announce birthdays, and the digest: one message about everybody, to the operator.

The other way, a letter to each person, is in `service.bots.birthday.letters`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bot_scheduler import Context
from service.bots.birthday.birthdays import Greeting
from service.bots.birthday.greetings import compose_digest
from service.bots.birthday.tally import Tally, listed
from service.bots.birthday.tries import pause_after
from service.bots.support.own_day import day_now
from service.contacts.matching.identity import People
from service.errors import ChannelUnavailable, DeliveryFailed
from service.messages import DeliveryDeferred, DeliveryUncertain, announce, why_unusable

Rehearsed = tuple[list[dict[str, Any]], int]
"""The messages of a live run, at most `SHOWN` of them, and their number."""
NAMED_IN_LOG = 20
"""The most people that one line of the log names."""
_NO_ALERT_URL = "ALERT_URL is not set, so no message can be sent to you"


class Sender(ABC):
    """One way of announcing birthdays.

    Args:
        context: the run's context.
        tally: counts the outcome for each person.
    """

    def __init__(self, context: Context, tally: Tally) -> None:
        self._context = context
        self._config = context.config
        self._tally = tally
        self._resends = context.config.on_unknown_delivery == "resend"
        self._longest = context.config.max_days_late if context.config.process_late else 0
        """The most days by which a greeting may be late."""

    @abstractmethod
    def check(self) -> None:
        """Raise ChannelUnavailable if no message can be sent."""

    @abstractmethod
    def warnings(self) -> list[str]:
        """Return the reasons why a live run could not send, one sentence each, for a rehearsal.

        Raises:
            ChannelUnavailable: it is not even clear whom a live run would reach.
        """

    @abstractmethod
    def key(self, greeting: Greeting) -> str:
        """Return the ledger's key."""

    @abstractmethod
    def reaches(self, greeting: Greeting) -> bool:
        """Return whether there is an address."""

    @abstractmethod
    def send(self, pending: list[Greeting]) -> None:
        """Announce each birthday once, as far as the run may."""

    @abstractmethod
    def rehearse(self, pending: list[Greeting]) -> Rehearsed:
        """Return the messages that `send` would send."""

    def pending(self, greetings: list[Greeting]) -> Iterator[Greeting]:
        """Yield each person once who has an address and no entry in the ledger. Count the others."""
        people = [greeting.contact for greeting in greetings]
        outcomes = self._context.ledger.outcomes([self.key(greeting) for greeting in greetings], people)
        told, untold = People(), []
        for greeting, outcome in zip(greetings, outcomes, strict=True):
            if outcome is not None and not (outcome == "unknown" and self._resends):
                self._tally.count_settled(greeting, outcome)
                told.add(greeting.person)
            else:
                untold.append(greeting)
        for greeting in untold:
            if greeting.person in told:
                self._tally.already += 1
            elif not self.reaches(greeting):
                self._tally.count_without_address(greeting)
            else:
                told.add(greeting.person)
                yield greeting

    def in_time(self, greeting: Greeting) -> Greeting | None:
        """Return the greeting as it is now: the run may have gone on past midnight. Return None if it is too late."""
        days_late = (day_now(self._context) - greeting.day).days
        if days_late > self._longest:
            return None
        return greeting if days_late == greeting.days_late else replace(greeting, days_late=days_late)

    def log_skipped(self) -> None:
        """Log the names of people who cannot be greeted."""
        for why, greetings in self._tally.skipped():
            if greetings:
                self._context.log.info("Skipped %d %s: %s", len(greetings), why, self.listed(greetings, NAMED_IN_LOG))

    def listed(self, greetings: list[Greeting], most: int) -> str:
        """Return people in one line. Secrets are removed before names are cut, so that no half of one is left."""
        redacted = self._context.secrets.redacted
        named = [redacted(greeting.contact.name) for greeting in greetings[:most]]
        return listed(named, len(greetings))

    def claims(self, greeting: Greeting) -> bool:
        """Return whether this run now holds the claim. If not, count the ledger's outcome."""
        stands = self._context.ledger.claim(self.key(greeting), retake=self._resends, person=greeting.contact)
        if stands != "claimed":
            self._tally.count_settled(greeting, stands)
        return stands == "claimed"

    def settle(self, greeting: Greeting, outcome: str) -> None:
        """Record the outcome in the ledger."""
        self._context.ledger.settle(self.key(greeting), outcome)


class Digest(Sender):
    """One message about all birthdays, to `ALERT_URL`. It needs no addresses of the people and does not greet them.

    It has ledger entries of its own, so that a job that greets the contacts themselves still does so.
    """

    def __init__(self, context: Context, tally: Tally) -> None:
        super().__init__(context, tally)
        secret = context.settings.alert_url
        self._urls = secret.get_secret_value().split() if secret else []

    def check(self) -> None:
        """Raise ChannelUnavailable if `ALERT_URL` is not set."""
        if not self._urls:
            raise ChannelUnavailable(_NO_ALERT_URL)

    def warnings(self) -> list[str]:
        """Return the faults of the URLs of `ALERT_URL`."""
        if not self._urls:
            return [_NO_ALERT_URL]
        reasons = ((number, why_unusable(url, url)) for number, url in enumerate(self._urls, start=1))
        return [f"URL {number} of ALERT_URL {reason}" for number, reason in reasons if reason is not None]

    def key(self, greeting: Greeting) -> str:
        """Return the ledger's key, which is not that of a letter."""
        return f"{greeting.key}:me"

    def reaches(self, greeting: Greeting) -> bool:
        """Return True: the message goes to the operator."""
        return True

    def send(self, pending: list[Greeting]) -> None:
        """Announce all birthdays or none. While the message is refused for now, hold no claim and try again later."""
        refusals, claimed = 0, self._claim(pending)
        while claimed:
            try:
                self._announce(claimed)
                return
            except DeliveryDeferred as error:
                refusals += 1
                pause = self._pause_after(refusals, error)
            claimed = self._claim(claimed) if self._context.wait(pause) else []

    def _claim(self, pending: list[Greeting]) -> list[Greeting]:
        """Claim the people of the digest. Claim nobody if the run is asked to stop."""
        claimed: list[Greeting] = []
        self._tally.left_over = 0
        try:
            for greeting in pending:
                if self._context.cancelled:
                    break
                timely = self.in_time(greeting)
                if timely is None:
                    self._tally.left_over += 1
                elif self.claims(timely):
                    claimed.append(timely)
        except BaseException:
            self._give_back(claimed)
            raise
        if not self._context.cancelled:
            return claimed
        self._give_back(claimed)
        return []

    def _give_back(self, claimed: list[Greeting]) -> None:
        for greeting in claimed:
            self.settle(greeting, "released")
        self._tally.left_over = self._tally.rest

    def _pause_after(self, refusals: int, error: DeliveryDeferred) -> float:
        """Return the seconds until the next try.

        Raises:
            ChannelUnavailable: this run does not try again.
        """
        pause = pause_after(refusals, self._context.time_left)
        if pause is None:
            raise ChannelUnavailable(f"ALERT_URL did not take the message: {error}") from None
        self._context.log.warning("The message was refused for now; the next try is in %d min", pause // 60)
        return pause

    def _announce(self, claimed: list[Greeting]) -> None:
        """Send the message to every URL.

        Raises:
            DeliveryDeferred, ChannelUnavailable: no URL took it. The claims are given back.
        """
        self._context.progress(0, len(claimed))
        try:
            troubles = self._sent_to_all(claimed)
            if troubles:
                self._judge(claimed, troubles)
        except (ChannelUnavailable, DeliveryDeferred):
            self._tally.left_over = self._tally.rest
            raise
        except BaseException:
            self._tally.unknown += self._tally.rest
            raise
        self._context.progress(len(claimed), len(claimed))

    def _sent_to_all(self, claimed: list[Greeting]) -> list[DeliveryFailed]:
        """Send to each URL. Return the failures; none if a URL has taken the message, which then counts as sent."""
        subject, body = self._message(claimed)
        troubles: list[DeliveryFailed] = []
        for url in self._urls:
            try:
                announce(url, subject, body)
            except DeliveryFailed as error:
                self._context.log.warning("The message was not taken: %s", error)
                troubles.append(error)
        if len(troubles) == len(self._urls):
            return troubles
        self._tally.messages_sent, self._tally.sent = 1, len(claimed)
        for greeting in claimed:
            self.settle(greeting, "sent")
        self._context.log.info("%s: sent", subject)
        return []

    def _judge(self, claimed: list[Greeting], troubles: list[DeliveryFailed]) -> None:
        if any(isinstance(error, DeliveryUncertain) for error in troubles):
            self._tally.unknown += len(claimed)
            for greeting in claimed:
                self._tally.note(greeting, str(troubles[-1]))
            return
        self._give_back(claimed)
        for error in troubles:
            if isinstance(error, DeliveryDeferred):
                raise error
        raise ChannelUnavailable(f"ALERT_URL did not take the message: {troubles[-1]}")

    def _message(self, greetings: list[Greeting]) -> tuple[str, str]:
        return compose_digest([greeting.fields for greeting in greetings], self._config.fallback_language)

    def rehearse(self, pending: list[Greeting]) -> Rehearsed:
        """Return the digest that a live run would send."""
        if not pending:
            return [], 0
        subject, body = self._message(pending)
        return [{"contact_id": None, "name": None, "to": "ALERT_URL", "subject": subject, "body": body}], 1
