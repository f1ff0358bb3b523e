"""Birthday letters, one to each person, and the handling of those that a mail server refuses."""

from __future__ import annotations

import re
from datetime import UTC, timedelta
from functools import cached_property

from bot_scheduler import Context
from service.bots.birthday.birthdays import Greeting
from service.bots.birthday.greetings import UnusableTemplate, compose
from service.bots.birthday.senders import Rehearsed, Sender
from service.bots.birthday.tally import SHOWN, Tally
from service.bots.birthday.tries import Tries, Try
from service.errors import ChannelUnavailable, DeliveryFailed, ServiceError
from service.messages import DeliveryDeferred, DeliveryUncertain, Messenger

NAMED_IN_ERROR = 3
"""The most people that a run's error names."""
REMEMBERED = 86_400
"""Seconds for which retries know whom the server refused for good."""
_CODE = re.compile(r"[245]\d\d([ -][245](\.\d{1,3}){2})?|[245](\.\d{1,3}){2}")


class LettersRefused(ServiceError):
    """Some letters of a run were refused. The message says how many, whose, and why."""


class Letters(Sender):
    """One letter to each person, through `MESSAGE_URL`.

    A letter that is refused for now holds no claim while it waits for its next try. If the run is killed meanwhile,
    nothing is left unknown, and another run may send the letter.
    """

    def __init__(self, context: Context, tally: Tally) -> None:
        super().__init__(context, tally)
        self._messenger = Messenger.of(context.settings)
        self._tries = Tries(())
        self._uncertain = 0
        """Messages of this run that may have been sent."""
        self._failed: list[Greeting] = []
        """People whose message can never be sent."""
        self._why_failed = ""
        self._under_way: Greeting | None = None
        """The person whose message is, or may be, claimed and not settled."""

    def check(self) -> None:
        """Raise ChannelUnavailable if no message can be sent."""
        self._messenger.check()

    def warnings(self) -> list[str]:
        """Return the reasons why a live run could not send; see `Sender.warnings`."""
        self._messenger.check_fields()
        try:
            self._messenger.check()
        except ChannelUnavailable as error:
            return [str(error)]
        return []

    def key(self, greeting: Greeting) -> str:
        """Return the ledger's key."""
        return greeting.key

    def reaches(self, greeting: Greeting) -> bool:
        """Return whether the contact has an address that `MESSAGE_URL` names."""
        return self._messenger.destination(greeting.contact) is not None

    def send(self, pending: list[Greeting]) -> None:
        """Send the letters.

        Raises:
            LettersRefused: the server refused some letters for now until no try was left, or it refused all that were
                tried for good, and nobody was greeted by this run or an earlier one.
            ChannelUnavailable: no message can be sent.
        """
        self._tries = Tries(pending)
        try:
            finished = self._work_off(len(pending))
        except BaseException:
            if self._under_way is not None:
                self._tally.unknown += 1
                self._tally.note(self._under_way, "the run was cut short; the message may or may not have been sent")
            raise
        finally:
            self._count_deferred()
            self._messenger.close()
        if finished and (verdict := self._verdict(len(pending) - self._tries.fresh)) is not None:
            raise LettersRefused(verdict)

    def _work_off(self, total: int) -> bool:
        """Try every letter that the run may send. Return False if the run was asked to stop first."""
        while (one := self._tries.first(self._room())) is not None:
            if self._context.cancelled or not self._await(one):
                return False
            timely = self.in_time(one.greeting)
            if timely is None:
                self._context.log.warning("Nobody else is greeted: %s is over", one.greeting.day)
                return True
            self._context.progress(total - self._tries.fresh - self._tries.waiting, total)
            one.greeting = timely
            self._attempt(self._tries.take(one))
        self._context.progress(total - self._tries.fresh, total)
        return True

    def _room(self) -> int:
        """Return how many messages the run may still send."""
        return int(self._config.max_messages_per_run) - self._tally.sent - self._uncertain

    def _await(self, one: Try) -> bool:
        """Wait until the letter is due. Return False if the run was asked to stop."""
        pause = one.due - self._context.elapsed
        if pause <= 0:
            return True
        if pause >= 1:
            at = (self._context.now + timedelta(seconds=one.due)).astimezone(UTC)
            when = f"{at:%H:%M:%S} UTC, in {_minutes(pause)}"
            self._context.log.info("Refused for now: %d; the next try is at %s", self._tries.waiting, when)
            self._messenger.close()
        return self._context.wait(pause)

    def _attempt(self, one: Try) -> None:
        try:
            self._send(one.greeting)
        except DeliveryUncertain as error:
            self._uncertain += 1
            self._tally.unknown += 1
            self._tally.note(one.greeting, str(error))
            self._under_way = None
        except DeliveryDeferred as error:
            self._put_off(one, str(error))
        except ChannelUnavailable:
            if one.refusals:
                self._tries.give_up(one)
            raise

    def _send(self, greeting: Greeting) -> None:
        """Claim, send, and settle the claim. If the message may have been sent, leave the claim unsettled.

        Raises:
            DeliveryUncertain, DeliveryDeferred, ChannelUnavailable: as in `Messenger.deliver`.
        """
        contact, context = greeting.contact, self._context
        try:
            message = self._message(greeting)
        except UnusableTemplate as error:
            self._count_failed(greeting, str(error))
            return
        if (reason := self._refused_before(greeting)) is not None:
            self._count_failed(greeting, reason)
            return
        self._under_way = greeting
        if not self.claims(greeting):
            self._under_way = None
            return
        try:
            self._messenger.deliver(contact, *message, key=self.key(greeting))
        except DeliveryUncertain as error:
            context.log.warning("%s: it is not known whether the message was sent: %s", contact.name, error)
            raise
        except DeliveryFailed as error:
            self.settle(greeting, "released")
            self._under_way = None
            if isinstance(error, ChannelUnavailable | DeliveryDeferred):
                raise
            self._remember_refused(greeting, str(error))
            self._count_failed(greeting, str(error))
            return
        self._under_way = None  # it is sent, even if recording that fails
        self._tally.sent += 1
        self._tally.messages_sent += 1
        self.settle(greeting, "sent")
        context.contacts.record_message(contact.id, int(context.now.timestamp()))
        context.log.info("%s: sent", contact.name)

    def _message(self, greeting: Greeting) -> tuple[str, str]:
        config = self._config
        return compose(greeting.contact.language, greeting.fields, config.templates, config.fallback_language)

    # refused for now

    def _put_off(self, one: Try, reason: str) -> None:
        name, context = one.greeting.contact.name, self._context
        pause = self._tries.put_off(one, reason, context.elapsed, context.time_left)
        if pause is None:
            context.log.warning("%s: refused for now, and not tried again in this run: %s", name, reason)
        else:
            context.log.warning("%s: refused for now, tried again in %d min: %s", name, pause // 60, reason)

    def _count_deferred(self) -> None:
        refused = self._tries.refused
        self._tally.deferred = len(refused)
        for one in refused:
            self._tally.note(one.greeting, f"refused for now: {one.reason}")
        self._tally.left_over = self._tally.rest

    # refused for good

    def _count_failed(self, greeting: Greeting, reason: str) -> None:
        """Count a person whose message can never be sent, and report it once for each reason."""
        contact, to = greeting.contact, self._messenger.destination(greeting.contact)
        self._context.log.warning("%s: not sent: %s", contact.name, reason)
        self._failed.append(greeting)
        self._why_failed = self._why_failed or reason
        self._tally.failed += 1
        self._tally.note(greeting, reason)
        self._context.tell(
            f"{contact.name} ({to}) got no birthday message: {reason}", once=f"{contact.id}:{to}:{gist(reason)}"
        )

    @cached_property
    def _origin(self) -> str:
        return self._context.origin_id

    def _remembered_under(self, greeting: Greeting) -> str:
        return f"refused:{self._origin}:{greeting.key}"

    def _remember_refused(self, greeting: Greeting, reason: str) -> None:
        to = self._messenger.destination(greeting.contact)
        self._context.memory.remember(self._remembered_under(greeting), f"{to}\n{reason}", REMEMBERED)

    def _refused_before(self, greeting: Greeting) -> str | None:
        """Return why the server refused the address for good in an earlier attempt of this run.

        It is None if the server did not, or the address has changed since.
        """
        if self._origin == self._context.run_id:
            return None
        remembered = self._context.memory.recall(self._remembered_under(greeting)) or ""
        to, _, reason = remembered.partition("\n")
        return reason if remembered and to == self._messenger.destination(greeting.contact) else None

    # the run's end

    def _verdict(self, tried: int) -> str | None:
        """Return why the run has failed, or None."""
        if refused := self._tries.refused:
            who = self.listed([one.greeting for one in refused], NAMED_IN_ERROR)
            return f"{_of(len(refused), tried)} refused for now and could not be sent: {who}: {refused[0].reason}"
        if self._failed and not self._tally.sent and not self._tally.already:
            who = self.listed(self._failed, NAMED_IN_ERROR)
            return f"{_of(len(self._failed), tried)} refused, and nobody could be greeted: {who}: {self._why_failed}"
        return None

    def rehearse(self, pending: list[Greeting]) -> Rehearsed:
        """Return the letters that a live run would send."""
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


def _of(count: int, tried: int) -> str:
    return f"{count} of {tried} letter{'s' * (tried != 1)} {'was' if count == 1 else 'were'}"


def _minutes(seconds: float) -> str:
    return f"{minutes} min" if (minutes := round(seconds / 60)) else "less than a minute"


def gist(reason: str) -> str:
    """Return the constant part of a server's reason, without ids, times and addresses."""
    words = (word.strip("()<>[]{}.,:;") for word in reason.casefold().split())
    return " ".join(word for word in words if not re.search(r"[\d@]|://", word) or _CODE.fullmatch(word))
