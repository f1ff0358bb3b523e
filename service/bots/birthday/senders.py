"""How birthdays are told: what all ways have in common, and one message about all of them to whoever runs this.

`birthday_letters` has the other way, a message to each person.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from service.bots.birthday.birthdays import Greeting
from service.bots.birthday.greetings import compose_digest
from service.bots.birthday.tally import Tally, listed
from service.bots.birthday.tries import pause_after
from service.bots.protocol import Context
from service.contacts.matching.identity import People
from service.errors import ChannelUnavailable, DeliveryFailed
from service.messages import DeliveryDeferred, DeliveryUncertain, announce, why_unusable

Rehearsed = tuple[list[dict[str, Any]], int]
"""The messages that would go out, at most `birthday_tally.SHOWN` of them, and how many there would be."""
NAMED_IN_LOG = 20
"""People whom one line of the log names at most."""
_NO_ALERT_URL = "ALERT_URL is not set, so no message can be sent to you"


class Sender(ABC):
    """One way of telling birthdays.

    Args:
        context: the run's.
        tally: where it is written down what became of whom.
    """

    def __init__(self, context: Context, tally: Tally) -> None:
        self._context = context
        self._config = context.config
        self._tally = tally
        self._resends = context.config.on_unknown_delivery == "resend"

    @abstractmethod
    def check(self) -> None:
        """Raises ChannelUnavailable if no message can go out."""

    @abstractmethod
    def warnings(self) -> list[str]:
        """Why a live run could not send, in sentences, for a rehearsal that can be shown all the same.

        Raises:
            ChannelUnavailable: it cannot even be told who would be reached.
        """

    @abstractmethod
    def key(self, greeting: Greeting) -> str:
        """The ledger's."""

    @abstractmethod
    def reaches(self, greeting: Greeting) -> bool:
        """Whether there is an address."""

    @abstractmethod
    def send(self, pending: list[Greeting]) -> None:
        """Tells of each once, as far as the run may."""

    @abstractmethod
    def rehearse(self, pending: list[Greeting]) -> Rehearsed:
        """What `send` would do."""

    def pending(self, greetings: list[Greeting]) -> Iterator[Greeting]:
        """Those who have an address and are not in the ledger yet, each person once; the others are counted."""
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

    def log_skipped(self) -> None:
        """Names in the run's log those who are not greeted whatever comes."""
        for why, greetings in self._tally.skipped():
            if greetings:
                self._context.log.info("Skipped %d %s: %s", len(greetings), why, self.listed(greetings, NAMED_IN_LOG))

    def listed(self, greetings: list[Greeting], most: int) -> str:
        """People in one line; without secrets before names are cut, so that no half of one is left."""
        redacted = self._context.secrets.redacted
        named = [redacted(greeting.contact.name) for greeting in greetings[:most]]
        return listed(named, len(greetings))

    def claims(self, greeting: Greeting) -> bool:
        """Whether this run is now the one to tell; else it is counted what stands in the ledger."""
        stands = self._context.ledger.claim(self.key(greeting), retake=self._resends, person=greeting.contact)
        if stands != "claimed":
            self._tally.count_settled(greeting, stands)
        return stands == "claimed"

    def settle(self, greeting: Greeting, outcome: str) -> None:
        """Writes down how it went."""
        self._context.ledger.settle(self.key(greeting), outcome)


class Digest(Sender):
    """One message about all of them to `ALERT_URL`; needs no address of theirs, and greets nobody.

    It has a place of its own in the ledger, so that a job that greets the contacts themselves does so all the same.
    """

    def __init__(self, context: Context, tally: Tally) -> None:
        super().__init__(context, tally)
        secret = context.settings.alert_url
        self._urls = secret.get_secret_value().split() if secret else []

    def check(self) -> None:
        if not self._urls:
            raise ChannelUnavailable(_NO_ALERT_URL)

    def warnings(self) -> list[str]:
        if not self._urls:
            return [_NO_ALERT_URL]
        reasons = ((number, why_unusable(url, url)) for number, url in enumerate(self._urls, start=1))
        return [f"URL {number} of ALERT_URL {reason}" for number, reason in reasons if reason is not None]

    def key(self, greeting: Greeting) -> str:
        return f"{greeting.key}:me"

    def reaches(self, greeting: Greeting) -> bool:
        return True

    def send(self, pending: list[Greeting]) -> None:
        """Tells of all of them, or of nobody; tried again while it is refused for now, without a claim meanwhile."""
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
        """Claims those who are to be told of; nobody if the run is asked to stop."""
        claimed: list[Greeting] = []
        self._tally.left_over = 0
        try:
            for greeting in pending:
                if self._context.cancelled:
                    break
                if self.claims(greeting):
                    claimed.append(greeting)
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
        """Seconds until it is tried again. Raises ChannelUnavailable if it is not, in this run."""
        pause = pause_after(refusals, self._context.time_left)
        if pause is None:
            raise ChannelUnavailable(f"ALERT_URL did not take the message: {error}") from None
        self._context.log.warning("The message was refused for now, tried again in %d min", pause // 60)
        return pause

    def _announce(self, claimed: list[Greeting]) -> None:
        """Sends the one message to every URL.

        Raises:
            DeliveryDeferred, ChannelUnavailable: nobody took it; what was claimed is given back.
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
        """Returns what went wrong, unless one of the URLs has taken it: then it is sent."""
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
        if not pending:
            return [], 0
        subject, body = self._message(pending)
        return [{"contact_id": None, "name": None, "to": "ALERT_URL", "subject": subject, "body": body}], 1
