"""Greets people on their birthday, each once, whatever crashes, reruns or overlaps."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field, field_validator, model_validator

from service.bots.birthday.birthdays import LeapDay, find
from service.bots.birthday.greetings import EVERY, FALLBACK, Texts
from service.bots.birthday.letters import Letters
from service.bots.birthday.senders import Digest, Sender
from service.bots.birthday.tally import Tally
from service.bots.protocol import Context
from service.bots.support.sparse import SparseConfig

MAX_LANGUAGES = 20
MAX_TEXTS = 100_000
"""Characters of a job's templates together: each is tried before it is taken."""
_LANGUAGE = r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}"


class BirthdayConfig(SparseConfig):
    """The birthday bot's `bot_config`. What defaults to None is answered only where it was given."""

    dry_run: bool = Field(default=False, description="Send nothing and remember nothing; show what would be sent.")
    process_late: bool = Field(
        default=False, description="Also greet those whose birthday was in the last max_days_late days."
    )
    max_days_late: int = Field(default=7, ge=1, le=365, description="How many days back process_late looks.")
    max_messages_per_run: int = Field(
        default=10, ge=1, description="At most this many messages in one run, today's first."
    )
    leap_day: LeapDay | None = Field(
        default=None, description="When February 29 falls in common years: feb28 (the default) or mar1."
    )
    deliver_to: Literal["contacts", "me"] | None = Field(
        default=None,
        description="contacts (the default): a message to each. me: one message about all of them to ALERT_URL.",
    )
    on_unknown_delivery: Literal["skip", "resend"] | None = Field(
        default=None,
        description="What becomes of a message of which a crash left unknown whether it was sent: "
        "skip (the default) reports it, resend sends it again.",
    )
    language: str | None = Field(
        default=None,
        pattern=f"^{_LANGUAGE}$",
        description="The language for contacts whose own is unknown or has no template, and for what goes to me; "
        "without it the one that templates names alone, else English.",
    )
    templates: dict[str, Texts] | None = Field(
        default=None,
        max_length=MAX_LANGUAGES,
        description="Own texts, by language tag, or * for every language that has none of its own.",
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

    @field_validator("templates", mode="before")
    @classmethod
    def _are_not_too_long(cls, value: Any) -> Any:
        """Before any of them is tried."""
        kinds = [texts for texts in value.values() if isinstance(texts, dict)] if isinstance(value, dict) else []
        if sum(len(text) for texts in kinds for text in texts.values() if isinstance(text, str)) > MAX_TEXTS:
            raise ValueError(f"must have at most {MAX_TEXTS:,} characters together")
        return value

    @field_validator("templates")
    @classmethod
    def _are_by_language(cls, value: dict[str, Texts] | None) -> dict[str, Texts] | None:
        for tag in value or ():
            if tag != EVERY and not re.fullmatch(_LANGUAGE, tag):
                raise ValueError("must have language tags such as fr or de-AT, or *, as its keys")
        if len({tag.lower() for tag in value or ()}) < len(value or ()):
            raise ValueError("must name each language once")
        return value

    @model_validator(mode="after")
    def _rehearses_only(self) -> BirthdayConfig:
        if self.today is not None and not self.dry_run:
            raise ValueError("today may be set only together with dry_run")
        return self

    @property
    def fallback_language(self) -> str:
        """See `language`."""
        own = [tag for tag in self.templates or () if tag != EVERY]
        return self.language or (own[0] if len(own) == 1 else FALLBACK)


class BirthdayBot:
    """Sends each person whose birthday it is one message."""

    name: ClassVar[str] = "birthday"
    description: ClassVar[str] = "Sends each contact one message on their birthday, or within some days after it."
    Config: ClassVar[type[BaseModel]] = BirthdayConfig
    uses_settings: ClassVar[tuple[str, ...]] = ("MESSAGE_URL", "ALERT_URL")
    safe_to_rerun: ClassVar[bool] = True
    """The ledger sees to it that nobody is greeted twice."""

    def run(self, context: Context) -> dict[str, Any]:
        """Greets whom the ledger does not know to be greeted.

        Raises:
            ChannelUnavailable: no message can go out; nothing is claimed for those who were not tried. An error that
                comes in the middle carries what was done until then as its `result`. A rehearsal tells it as a warning,
                unless it cannot say who would be reached.
            LettersRefused: some could not be sent; carries the `result`, too.
        """
        config: BirthdayConfig = context.config
        tally = Tally()
        sender: Sender = Digest(context, tally) if config.deliver_to == "me" else Letters(context, tally)
        warnings = sender.warnings() if config.dry_run else []
        if not config.dry_run:
            sender.check()
        today = date.fromisoformat(config.today) if config.today else context.now.date()
        days_back = config.max_days_late if config.process_late else 0
        greetings = find(context.contacts, today, days_back, config.leap_day or "feb28")
        tally.found = len(greetings)
        context.log.info("Birthdays of %s, looking %d days back: %d found", today, days_back, len(greetings))
        pending = list(sender.pending(tally.of_the_living(greetings)))
        sender.log_skipped()
        if config.dry_run:
            messages, would_send = sender.rehearse(pending)
            shown = {"dry_run": True, "would_send": would_send, "messages": messages}
            return tally.as_dict() | ({"warnings": warnings} if warnings else {}) | shown
        try:
            sender.send(pending)
        except BaseException as error:
            error.result = tally.as_dict()  # type: ignore[attr-defined]
            raise
        return tally.as_dict()
