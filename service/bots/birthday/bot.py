"""The birthday bot: greets each person once, however often runs crash, repeat or overlap."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field, field_validator, model_validator

from bot_scheduler import Context, RunFailed, Skip
from service.bots.birthday.birthdays import LeapDay, find
from service.bots.birthday.greetings import EVERY, FALLBACK, Texts
from service.bots.birthday.letters import Letters
from service.bots.birthday.senders import Digest, Sender
from service.bots.birthday.tally import Tally
from service.bots.support.address_book import address_book
from service.bots.support.config import SparseConfig
from service.bots.support.own_day import own_day, why_not_today

MAX_LANGUAGES = 20
MAX_TEXTS = 100_000
"""Characters of all templates of a job together, since each is tried when the job is saved."""
_LANGUAGE = r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}"


class BirthdayConfig(SparseConfig):
    """The birthday bot's `bot_config`."""

    dry_run: bool = Field(default=False, description="Send nothing and remember nothing; show what would be sent.")
    process_late: bool = Field(
        default=False,
        title="Greet late",
        description="Also greet people whose birthday was a few days ago.",
    )
    max_days_late: int = Field(
        default=7, ge=1, le=365, title="Most days late", description="How many days late a greeting may be sent."
    )
    max_messages_per_run: int = Field(
        default=10,
        ge=1,
        title="Most messages per run",
        description="The most messages per run. Today's birthdays come first.",
    )
    leap_day: LeapDay | None = Field(
        default=None,
        title="February 29 in common years",
        description="When February 29 falls in common years: feb28 (the default) or mar1.",
    )
    deliver_to: Literal["contacts", "me"] | None = Field(
        default=None,
        title="Send to",
        description="contacts (the default): a message to each. me: one message about all of them to ALERT_URL.",
    )
    on_unknown_delivery: Literal["skip", "resend"] | None = Field(
        default=None,
        title="If a delivery is unclear",
        description="What to do if a crash leaves it unclear whether a message was sent: "
        "skip (the default) reports it, resend sends it again.",
    )
    language: str | None = Field(
        default=None,
        pattern=f"^{_LANGUAGE}$",
        description="The language for contacts whose own is unknown or has no template, and for messages to me. "
        "Default: the only language in templates, else English.",
    )
    templates: dict[str, Texts] | None = Field(
        default=None,
        max_length=MAX_LANGUAGES,
        title="Your own texts",
        description="Your own texts by language tag, or * for every other language.",
    )
    today: str | None = Field(
        default=None,
        title="Rehearse the day",
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
        """Check the total length before trying any template."""
        kinds = [texts for texts in value.values() if isinstance(texts, dict)] if isinstance(value, dict) else []
        if sum(len(text) for texts in kinds for text in texts.values() if isinstance(text, str)) > MAX_TEXTS:
            raise ValueError(f"must have at most {MAX_TEXTS:,} characters in all")
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
        """The language for contacts whose own is unknown or has no template."""
        own = [tag for tag in self.templates or () if tag != EVERY]
        return self.language or (own[0] if len(own) == 1 else FALLBACK)


class BirthdayBot:
    """Sends one message to each person whose birthday it is."""

    name: ClassVar[str] = "birthday"
    description: ClassVar[str] = "Sends each contact one message on their birthday, or up to a few days later."
    Config: ClassVar[type[BaseModel]] = BirthdayConfig
    uses_settings: ClassVar[tuple[str, ...]] = ("MESSAGE_URL", "ALERT_URL")
    safe_to_rerun: ClassVar[bool] = True
    handles_persons: ClassVar[bool] = True
    """The ledger keeps anybody from being greeted twice."""

    def run(self, context: Context) -> dict[str, Any]:
        """Greet everybody whom the ledger does not have as greeted.

        Any error in the middle of the run carries the work done so far as its `result`.

        Raises:
            ChannelUnavailable: no message can be sent. Nothing is claimed for people who were not tried. A rehearsal
                reports this as a warning, unless it cannot tell whom a live run would reach.
            LettersRefused: some letters could not be sent.
            Skip: the day of the run's occurrence is not today, and the job greets nobody late.
            RunFailed: the same of a retry, whose first attempt failed or was cut short: somebody may not be greeted.
        """
        config: BirthdayConfig = context.config
        tally = Tally()
        sender: Sender = Digest(context, tally) if config.deliver_to == "me" else Letters(context, tally)
        warnings = sender.warnings() if config.dry_run else []
        if not config.dry_run:
            sender.check()
        day, days_back = _days(context)
        greetings = find(address_book(context), day, days_back, config.leap_day or "feb28")
        tally.found = len(greetings)
        context.log.info("Birthdays of %s, looking %d days back: %d found", day, days_back, len(greetings))
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


def _days(context: Context) -> tuple[date, int]:
    """Return the latest day whose birthdays the run greets, and how many days it looks back from there.

    Raises:
        Skip, RunFailed: see `BirthdayBot.run`.
    """
    config: BirthdayConfig = context.config
    if config.today:
        return date.fromisoformat(config.today), config.max_days_late if config.process_late else 0
    if config.process_late:
        today = context.now.date()
        if (today - own_day(context)).days > config.max_days_late:
            context.log.warning("The day of this run, %s, is over for more than max_days_late", own_day(context))
        return today, config.max_days_late
    why = why_not_today(context)
    if why is not None:
        reason = f"{why}, so nobody is greeted; process_late would greet late"
        if context.run.trigger == "retry":
            raise RunFailed(f"The run before could not be completed in time: {reason}", final=True)
        raise Skip(reason)
    return own_day(context), 0
