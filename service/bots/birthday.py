"""Greets people on their birthday, each once, whatever crashes, reruns or overlaps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, ClassVar, Literal, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from service.bots.greetings import compose
from service.bots.protocol import Context
from service.contacts import Contact
from service.errors import ChannelUnavailable, DeliveryFailed
from service.messages import DeliveryUncertain, Messenger

SHOWN = 100
"""Messages of a rehearsal, and failures of a run, that the result shows."""

LeapDay = Literal["feb28", "mar1"]


class BirthdayConfig(BaseModel):
    """The birthday bot's `bot_config`. What defaults to None is answered only where it was given."""

    model_config = ConfigDict(extra="forbid", strict=True)

    dry_run: bool = Field(default=False, description="Send nothing and remember nothing; show what would be sent.")
    process_late: bool = Field(
        default=False, description="Also greet those whose birthday was in the last max_days_late days."
    )
    max_days_late: int = Field(default=7, ge=1, le=365, description="How many days back process_late looks.")
    max_messages_per_run: int = Field(
        default=10, ge=1, description="At most so many messages in one run, today's first."
    )
    leap_day: LeapDay | None = Field(
        default=None, description="When February 29 falls in common years: feb28 (as without it) or mar1."
    )
    today: str | None = Field(
        default=None,
        pattern=r"^\d{4}-\d{2}-\d{2}$",
        description="Rehearse this day, such as 2025-04-12; only with dry_run.",
    )

    @field_validator("today")
    @classmethod
    def _is_a_day(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                date.fromisoformat(value)
            except ValueError:
                raise ValueError("must be a day of the calendar such as 2025-04-12") from None
        return value

    @model_serializer(mode="wrap")
    def _without_what_was_not_given(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in dump(self).items() if value is not None}

    @model_validator(mode="after")
    def _rehearses_only(self) -> BirthdayConfig:
        if self.today is not None and not self.dry_run:
            raise ValueError("today may be set only together with dry_run")
        return self


@dataclass(frozen=True, slots=True)
class Greeting:
    """One person's birthday that is to be greeted.

    Args:
        day: the day on which it was, or is, celebrated.
        days_late: since then; 0 is today.
    """

    contact: Contact
    day: date
    days_late: int

    @property
    def key(self) -> str:
        """The ledger's: one entry for each person and year."""
        return f"{self.contact.id}:{self.day.year}"

    def message(self) -> tuple[str, str]:
        """Its subject and body."""
        contact = self.contact
        fields = {
            "name": contact.name,
            "given_name": contact.given_name,
            "family_name": contact.family_name,
            "birthday": contact.birthday,
            "age": age_on(contact.birthday, self.day),
            "days_late": self.days_late,
        }
        return compose(contact.language, fields)


@dataclass(slots=True)
class Tally:
    """What a run did, as its result tells it."""

    found: int = 0
    sent: int = 0
    already: int = 0
    left_over: int = 0
    failed: int = 0
    unknown: int = 0
    skipped_no_address: int = 0
    failures: list[dict[str, str]] = field(default_factory=list)

    def note(self, greeting: Greeting, reason: str) -> None:
        """Shows why somebody was not, or not surely, greeted."""
        if len(self.failures) < SHOWN:
            contact = greeting.contact
            self.failures.append({"contact_id": contact.id, "name": contact.name, "reason": reason})

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        counts = ("found", "sent", "already", "left_over", "failed", "unknown", "skipped_no_address", "failures")
        return {"messages_sent": self.sent} | {name: getattr(self, name) for name in counts}


class BirthdayBot:
    """Sends each person whose birthday it is one message."""

    name: ClassVar[str] = "birthday"
    description: ClassVar[str] = "Sends each contact one message on their birthday, or within some days after it."
    Config: ClassVar[type[BaseModel]] = BirthdayConfig
    safe_to_rerun: ClassVar[bool] = True
    """The ledger sees to it that nobody is greeted twice."""

    def run(self, context: Context) -> dict[str, Any]:
        """Greets whom the ledger does not know to be greeted.

        Raises:
            ChannelUnavailable: no message can go out; nothing is claimed for those who were not tried. An error that
                comes in the middle carries what was done until then as its `result`.
        """
        config: BirthdayConfig = context.config
        secret = context.settings.message_url
        messenger = Messenger(secret.get_secret_value() if secret else None)
        if not config.dry_run:
            messenger.check()
        today = date.fromisoformat(config.today) if config.today else context.now.date()
        greetings = find(context.contacts, config, today)
        tally = Tally(found=len(greetings))
        pending = list(self._pending(context, greetings, messenger, tally))
        if config.dry_run:
            return self._rehearse(pending, config.max_messages_per_run, messenger, tally)
        try:
            self._send_all(context, pending, messenger, tally)
        except BaseException as error:
            error.result = tally.as_dict()  # type: ignore[attr-defined]
            raise
        return tally.as_dict()

    def _pending(
        self, context: Context, greetings: list[Greeting], messenger: Messenger, tally: Tally
    ) -> Iterator[Greeting]:
        """Those who have an address and are not in the ledger yet; the others are counted."""
        outcomes = context.ledger.outcomes([greeting.key for greeting in greetings])
        for greeting, outcome in zip(greetings, outcomes, strict=True):
            if outcome is not None:
                self._count_settled(greeting, outcome, tally)
            elif messenger.destination(greeting.contact) is None:
                tally.skipped_no_address += 1
            else:
                yield greeting

    def _count_settled(self, greeting: Greeting, outcome: str, tally: Tally) -> None:
        if outcome == "unknown":
            tally.unknown += 1
            tally.note(greeting, "an earlier run was cut short; the message may or may not have been sent")
        elif outcome == "failed":
            tally.failed += 1
            tally.note(greeting, "an earlier run could not deliver the message")
        else:
            tally.already += 1

    def _send_all(self, context: Context, pending: list[Greeting], messenger: Messenger, tally: Tally) -> None:
        limit = context.config.max_messages_per_run
        uncertain = 0
        for done, greeting in enumerate(pending):
            if context.cancelled or tally.sent + uncertain >= limit:
                tally.left_over = len(pending) - done
                return
            context.progress(done, len(pending))
            stands = context.ledger.claim(greeting.key)
            if stands != "claimed":
                self._count_settled(greeting, stands, tally)
                continue
            try:
                self._send(context, greeting, messenger, tally)
            except DeliveryUncertain as error:
                uncertain += 1
                tally.unknown += 1
                tally.note(greeting, str(error))
            except ChannelUnavailable:
                tally.left_over = len(pending) - done
                raise
        context.progress(len(pending), len(pending))

    def _send(self, context: Context, greeting: Greeting, messenger: Messenger, tally: Tally) -> None:
        """Sends what was claimed and settles the claim; it stays unsettled if it may have been sent."""
        contact = greeting.contact
        try:
            messenger.deliver(contact, *greeting.message())
        except DeliveryUncertain as error:
            context.log.warning("%s: it is not known whether the message was sent: %s", contact.name, error)
            raise
        except ChannelUnavailable:
            context.ledger.settle(greeting.key, "released")
            raise
        except DeliveryFailed as error:
            context.ledger.settle(greeting.key, "released")
            context.log.warning("%s: not sent: %s", contact.name, error)
            tally.failed += 1
            tally.note(greeting, str(error))
            return
        tally.sent += 1
        context.ledger.settle(greeting.key, "sent")
        context.contacts.record_message(contact.id, int(context.now.timestamp()))
        context.log.info("%s: sent", contact.name)

    def _rehearse(self, pending: list[Greeting], limit: int, messenger: Messenger, tally: Tally) -> dict[str, Any]:
        would_send = pending[:limit]
        tally.left_over = len(pending) - len(would_send)
        messages = []
        for greeting in would_send[:SHOWN]:
            subject, body = greeting.message()
            contact = greeting.contact
            to = messenger.destination(contact)
            messages.append(
                {"contact_id": contact.id, "name": contact.name, "to": to, "subject": subject, "body": body}
            )
        return tally.as_dict() | {"dry_run": True, "would_send": len(would_send), "messages": messages}


def find(contacts: Any, config: BirthdayConfig, today: date) -> list[Greeting]:
    """Whose birthday it is `today`, then whose it was in the window, the oldest last; each person once.

    Args:
        contacts: a `ContactBook`; asked for the days of the window alone.
    """
    window = range(config.max_days_late + 1 if config.process_late else 1)
    days = {late: today - timedelta(days=late) for late in window if late < today.toordinal()}
    latest: dict[tuple[int, int], tuple[int, date]] = {}
    for late, day in days.items():
        for month_day in celebrated_on(day, config.leap_day or "feb28"):
            latest.setdefault(month_day, (late, day))
    found = [greeting_for(contact, latest) for contact in cast(Iterable[Contact], contacts.born_on(latest))]
    return sorted(found, key=lambda greeting: (greeting.days_late, greeting.contact.name, greeting.contact.id))


def greeting_for(contact: Contact, latest: dict[tuple[int, int], tuple[int, date]]) -> Greeting:
    """The contact's newest birthday in the window."""
    birthday = str(contact.birthday)
    late, day = latest[int(birthday[-5:-3]), int(birthday[-2:])]
    return Greeting(contact, day, late)


def celebrated_on(day: date, leap_day: LeapDay) -> list[tuple[int, int]]:
    """The birthdays (month, day) that fall on `day`: in common years February 29 joins the day before or after it."""
    falls = [(day.month, day.day)]
    is_leap_year = (date(day.year, 3, 1) - timedelta(days=1)).day == 29
    if not is_leap_year and (day.month, day.day) == ((2, 28) if leap_day == "feb28" else (3, 1)):
        falls.append((2, 29))
    return falls


def age_on(birthday: str | None, day: date) -> int | None:
    """How old somebody becomes in the year of `day`; None if the year of birth is unknown or not before it."""
    if birthday is None or birthday.startswith("--"):
        return None
    age = day.year - int(birthday[:4])
    return age if age > 0 else None
