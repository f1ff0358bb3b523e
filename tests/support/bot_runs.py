"""A run of a bot in this process, over a real store."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, SecretStr
from redis import Redis

from bot_scheduler import Window
from bot_scheduler.testing import FakeRun
from service.bots.support.secrets import Secrets, Vault, names_in
from service.store.keys import Keys
from service.store.ledger import RedisLedger
from service.store.memory import RedisMemory
from service.usecases.contacts import ContactBook


@dataclass(slots=True)
class Run:
    """A bot's context over a real store."""

    client: Redis
    config: Any
    now: datetime = datetime(2025, 4, 12, 8, 0, tzinfo=UTC)
    message_url: str | None = None
    alert_url: str | None = None
    contacts_url: str | None = None
    allow_private: bool = True
    phone_region: str | None = None
    network_allow: str | None = None
    stops_after: int | None = None
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("tests.bots"))
    bot: str = "birthday"
    job_id: str = "3f0b3a52-6d0e-4c1e-9d7a-0b8c8f6f6a11"
    run_id: str = "1f0e9a52-6d0e-4c1e-9d7a-0b8c8f6f6a11"
    steps: list[tuple[int, int]] = field(default_factory=list)
    elapsed: float = 0.0
    limit: float = 3600.0
    waits: list[float] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None
    told: dict[str, str] = field(default_factory=dict)
    scheduled_for: datetime | None = None
    """The run's occurrence; without one, it is a run by hand."""
    trigger: str | None = None
    attempt: int = 1
    facts: FakeRun | None = None
    """What the bot is told of its run; None: what follows from the fields above."""
    ledger: Any = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = RedisLedger(self.client, Keys(), self.bot, self.run_id)

    @property
    def run(self) -> FakeRun:
        if self.facts is not None:
            return self.facts
        zone = self.now.tzinfo
        occurrence = None if self.scheduled_for is None else self.scheduled_for.astimezone(zone)
        trigger = self.trigger or ("manual" if occurrence is None else "schedule")
        due = occurrence or self.now
        return FakeRun(trigger, Window(None, due), self.attempt, occurrence, due)

    @property
    def origin_id(self) -> str:
        return str(self.ledger.first_run())

    @property
    def memory(self) -> Any:
        return RedisMemory(self.client, Keys(), self.bot)

    @property
    def contacts(self) -> Any:
        return ContactBook(self.client, Keys())

    @property
    def settings(self) -> Any:
        return SimpleNamespace(
            message_url=SecretStr(self.message_url) if self.message_url else None,
            alert_url=SecretStr(self.alert_url) if self.alert_url else None,
            contacts_url=SecretStr(self.contacts_url) if self.contacts_url else None,
            phone_region=self.phone_region,
            message_list_unsubscribe=None,
            message_auto_submitted=False,
            network_allow=self.network_allow,
            visitor_allow_private=self.allow_private,
            visitor_contact="https://example.org/bot",
        )

    @property
    def secrets(self) -> Secrets:
        return Secrets(Vault(os.environ)).allow(names_in(self.config.model_dump()))

    @property
    def cancelled(self) -> bool:
        return self.stops_after is not None and len(self.steps) >= self.stops_after

    @property
    def time_left(self) -> float:
        return self.limit - self.elapsed

    def wait(self, seconds: float) -> bool:
        """Lets the time pass in no time; `meanwhile` happens."""
        self.waits.append(seconds)
        self.meanwhile()
        if self.cancelled:
            return False
        self.elapsed += seconds
        return True

    def progress(self, done: int, total: int) -> None:
        self.steps.append((done, total))

    def tell(self, text: str, *, once: str) -> None:
        self.told.setdefault(once, text)


def configured(model: type[BaseModel], **values: Any) -> Any:
    """A bot's config."""
    return model.model_validate(values)
