"""How birthdays are told: by a message to each person, or by one message about all of them to whoever runs this."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from service.bots.birthday_tally import SHOWN, Tally
from service.bots.birthdays import Greeting
from service.bots.greetings import UnusableTemplate, compose, compose_digest
from service.bots.protocol import Context
from service.contacts.matching import People
from service.errors import ChannelUnavailable, DeliveryFailed
from service.messages import DeliveryUncertain, Messenger, announce, why_unusable

Rehearsed = tuple[list[dict[str, Any]], int]
"""The messages that would go out, at most `SHOWN` of them, and how many there would be."""
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
                self._tally.skipped_no_address += 1
            else:
                told.add(greeting.person)
                yield greeting

    def claims(self, greeting: Greeting) -> bool:
        """Whether this run is now the one to tell; else it is counted what stands in the ledger."""
        stands = self._context.ledger.claim(self.key(greeting), retake=self._resends, person=greeting.contact)
        if stands != "claimed":
            self._tally.count_settled(greeting, stands)
        return stands == "claimed"

    def settle(self, greeting: Greeting, outcome: str) -> None:
        """Writes down how it went."""
        self._context.ledger.settle(self.key(greeting), outcome)


class Letters(Sender):
    """A message to each person, through `MESSAGE_URL`."""

    def __init__(self, context: Context, tally: Tally) -> None:
        super().__init__(context, tally)
        secret = context.settings.message_url
        self._messenger = Messenger(secret.get_secret_value() if secret else None)
        self._under_way: Greeting | None = None
        """Whose message has, or may have, been claimed and is not settled."""

    def check(self) -> None:
        self._messenger.check()

    def warnings(self) -> list[str]:
        self._messenger.check_fields()
        try:
            self._messenger.check()
        except ChannelUnavailable as error:
            return [str(error)]
        return []

    def key(self, greeting: Greeting) -> str:
        return greeting.key

    def reaches(self, greeting: Greeting) -> bool:
        return self._messenger.destination(greeting.contact) is not None

    def send(self, pending: list[Greeting]) -> None:
        uncertain = 0
        try:
            for done, greeting in enumerate(pending):
                if self._context.cancelled or self._tally.sent + uncertain >= self._config.max_messages_per_run:
                    break
                self._context.progress(done, len(pending))
                try:
                    self._send(greeting)
                except DeliveryUncertain as error:
                    uncertain += 1
                    self._tally.unknown += 1
                    self._tally.note(greeting, str(error))
                    self._under_way = None
            else:
                self._context.progress(len(pending), len(pending))
        except BaseException:
            if self._under_way is not None:
                self._tally.unknown += 1
                self._tally.note(self._under_way, "the run was cut short; the message may or may not have been sent")
            raise
        finally:
            self._tally.left_over = self._tally.rest

    def _send(self, greeting: Greeting) -> None:
        """Claims, sends, and settles the claim; it stays unsettled if the message may have been sent."""
        contact, context = greeting.contact, self._context
        try:
            message = self._message(greeting)
        except UnusableTemplate as error:
            self._count_failed(greeting, error)
            return
        self._under_way = greeting
        if not self.claims(greeting):
            self._under_way = None
            return
        try:
            self._messenger.deliver(contact, *message)
        except DeliveryUncertain as error:
            context.log.warning("%s: it is not known whether the message was sent: %s", contact.name, error)
            raise
        except ChannelUnavailable:
            self.settle(greeting, "released")
            self._under_way = None
            raise
        except DeliveryFailed as error:
            self.settle(greeting, "released")
            self._under_way = None
            self._count_failed(greeting, error)
            return
        self._under_way = None  # it is sent, whatever comes of writing that down
        self._tally.sent += 1
        self._tally.messages_sent += 1
        self.settle(greeting, "sent")
        context.contacts.record_message(contact.id, int(context.now.timestamp()))
        context.log.info("%s: sent", contact.name)

    def _message(self, greeting: Greeting) -> tuple[str, str]:
        config = self._config
        return compose(greeting.contact.language, greeting.fields, config.templates, config.fallback_language)

    def _count_failed(self, greeting: Greeting, error: Exception) -> None:
        self._context.log.warning("%s: not sent: %s", greeting.contact.name, error)
        self._tally.failed += 1
        self._tally.note(greeting, str(error))

    def rehearse(self, pending: list[Greeting]) -> Rehearsed:
        would_send = pending[: self._config.max_messages_per_run]
        self._tally.left_over = len(pending) - len(would_send)
        messages = []
        for greeting in would_send[:SHOWN]:
            contact = greeting.contact
            try:
                subject, body = self._message(greeting)
            except UnusableTemplate as error:
                self._tally.note(greeting, str(error))
                continue
            to = self._messenger.destination(contact)
            messages.append(
                {"contact_id": contact.id, "name": contact.name, "to": to, "subject": subject, "body": body}
            )
        return messages, len(would_send)


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
        claimed: list[Greeting] = []
        try:
            for greeting in pending:
                if self._context.cancelled:
                    break
                if self.claims(greeting):
                    claimed.append(greeting)
        except BaseException:
            self._release(claimed)
            self._tally.left_over = self._tally.rest
            raise
        if self._context.cancelled:
            self._release(claimed)
            self._tally.left_over = self._tally.rest
        elif claimed:
            self._context.progress(0, len(claimed))
            try:
                self._announce(claimed)
            except ChannelUnavailable:
                self._tally.left_over = self._tally.rest
                raise
            except BaseException:
                self._tally.unknown += self._tally.rest
                raise
            self._context.progress(len(claimed), len(claimed))

    def _announce(self, claimed: list[Greeting]) -> None:
        """Sends the one message to every URL; it is sent once one of them has taken it."""
        subject, body = self._message(claimed)
        troubles: list[DeliveryFailed] = []
        for url in self._urls:
            try:
                announce(url, subject, body)
            except DeliveryFailed as error:
                self._context.log.warning("The message was not taken: %s", error)
                troubles.append(error)
        if len(troubles) < len(self._urls):
            self._tally.messages_sent, self._tally.sent = 1, len(claimed)
            for greeting in claimed:
                self.settle(greeting, "sent")
            self._context.log.info("%s: sent", subject)
        elif any(isinstance(error, DeliveryUncertain) for error in troubles):
            self._tally.unknown += len(claimed)
            for greeting in claimed:
                self._tally.note(greeting, str(troubles[-1]))
        else:
            self._release(claimed)
            raise ChannelUnavailable(f"ALERT_URL did not take the message: {troubles[-1]}")

    def _release(self, claimed: list[Greeting]) -> None:
        for greeting in claimed:
            self.settle(greeting, "released")

    def _message(self, greetings: list[Greeting]) -> tuple[str, str]:
        return compose_digest([greeting.fields for greeting in greetings], self._config.fallback_language)

    def rehearse(self, pending: list[Greeting]) -> Rehearsed:
        if not pending:
            return [], 0
        subject, body = self._message(pending)
        return [{"contact_id": None, "name": None, "to": "ALERT_URL", "subject": subject, "body": body}], 1
