"""What a bot is, and what it is handed when it runs.

A bot is a class with a `name`, a pydantic `Config`, and `run(context) -> dict`. It knows nothing of Redis, RQ or the
API: all that it may touch comes with its `Context`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Protocol
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from service.domain.people.contact import Contact
from service.errors import ServiceError


class RunFailed(ServiceError):
    """Raised by a bot that foresaw the failure of its run and knows how it should go on.

    Args:
        reason: why, one sentence for people. It is the run's `error`.
        result: what was done until then, JSON-ready.
        final: another try would fail as well: the run is not tried again, whatever `max_retries` says.
        retry_after: seconds from now before which another try makes no sense. A retry waits for them, an hour at most,
            beside the delay that it has anyway.
    """

    def __init__(
        self, reason: str, result: dict[str, Any] | None = None, *, final: bool = False, retry_after: float = 0.0
    ) -> None:
        super().__init__(reason)
        self.result = result
        self.final = final
        self.retry_after = retry_after


class Ledger(Protocol):
    """Remembers what was done once and must never be done twice. Entries live 400 days."""

    def claim(self, key: str, *, retake: bool = False, person: Contact | None = None) -> str:
        """Take `key` before the effect.

        Args:
            retake: also take a claim that another run never settled, unless that run is still under way.
            person: the contact with whose id `key` begins, so that what stands under any other id of the same person
                counts as well.

        Returns:
            `"claimed"` if it is now yours; else what stands there: `"unknown"` (claimed by a run that never
            settled it) or the outcome that it was settled with.
        """

    def outcomes(self, keys: Sequence[str], people: Sequence[Contact] = ()) -> list[str | None]:
        """What stands at each of `keys`, without claiming: None, `"unknown"`, or an outcome. `people` as in `claim`."""

    def settle(self, key: str, outcome: str) -> None:
        """Write down the outcome of a claim that is yours: `"sent"`, `"failed"`, … `"released"` gives it back,
        as if it had never been claimed."""

    def first_run(self) -> str:
        """The id of the run that this one repeats, through all retries in between; its own if it repeats none."""


class Memory(Protocol):
    """What a bot remembers from run to run and could find out again; it may be forgotten at any time."""

    def recall(self, key: str) -> str | None:
        """What is remembered under `key`, or None."""

    def remember(self, key: str, value: str, seconds: int) -> None:
        """Remember `value` for so long; one of more than 64 Ki characters is not remembered."""

    def take_turn(self, key: str, seconds: float, gap: float = 0.0) -> float:
        """Take the turn at `key`, which one run of the bot has at a time; take it again to renew it.

        Args:
            seconds: for how long it is this run's, unless it ends or renews it.
            gap: seconds, at most 60, that must have passed since the last turn ended.

        Returns:
            0 if it is this run's turn now; else in how many seconds it is free at the latest.
        """

    def end_turn(self, key: str) -> None:
        """End this run's turn at `key`."""


class Secrets(Protocol):
    """The secrets of a run: those that its job's config names (`env:BOT_SECRET_…`), and those that its bot declares.

    They do not appear in the run's error, result and log, however the bot fails, unless it cuts or encodes them itself.
    """

    def text(self, value: str, url: str | None) -> str:
        """The secret that `value` names; `value` itself if it does not begin with `env:`.

        Args:
            url: the address that it is about to be sent to: one that is bound to hosts goes nowhere else. None: it is
                sent nowhere.
        """

    def address(self, value: str) -> str:
        """The web address that the secret named by `value` is; `value` itself if it does not begin with `env:`."""

    def redacted(self, text: str) -> str:
        """`text` without secrets, for what is cut short afterwards."""

    def redacted_start(self, text: str, limit: int, whole: bool) -> str:
        """At most `limit` characters of `text` without secrets; `whole`: nothing was cut off its end before."""


class Context(Protocol):
    """A bot's view of its run."""

    @property
    def config(self) -> Any:
        """The bot's own `Config`, validated when the run started."""

    @property
    def job_id(self) -> str:
        """The job's id."""

    @property
    def run_id(self) -> str:
        """The run's id; a retry has another."""

    @property
    def origin_id(self) -> str:
        """What a run and all its retries have in common: the id of the first of them."""

    @property
    def now(self) -> datetime:
        """The instant at which the run started, aware, in the job's time zone."""

    @property
    def timezone(self) -> ZoneInfo:
        """The job's time zone (UTC unless its schedule names one)."""

    @property
    def log(self) -> logging.Logger:
        """Its lines land in the run's log."""

    @property
    def ledger(self) -> Ledger:
        """See `Ledger`."""

    @property
    def memory(self) -> Memory:
        """See `Memory`."""

    @property
    def contacts(self) -> Any:
        """The address book: a `service.usecases.contacts.ContactBook`."""

    @property
    def settings(self) -> Any:
        """The service's `Settings`, read-only; of those that are secret only what the bot's `uses_settings` lists."""

    @property
    def secrets(self) -> Secrets:
        """The secrets that the job's config names; see `Secrets`."""

    @property
    def cancelled(self) -> bool:
        """True once the run was asked to stop; the bot then returns what it has done so far."""

    @property
    def elapsed(self) -> float:
        """Seconds since the run started, by a clock that nobody sets."""

    @property
    def time_left(self) -> float:
        """Seconds until the run's time is up (the job's `timeout_seconds`) and it is interrupted."""

    def wait(self, seconds: float) -> bool:
        """Wait. Returns False, at once, if the run is asked to stop meanwhile; then as after `cancelled`."""

    def progress(self, done: int, total: int) -> None:
        """Say how far the run is: `done` of `total` pieces of work."""

    def tell(self, text: str, *, once: str) -> None:
        """Have people told of something that they should look at, and that does not fail the run.

        It goes to `ALERT_URL` and the job's `alert_urls` when the run ends, in whatever way, together with all else
        that the run tells: one alert a run. A rehearsal tells nobody. If the worker is killed, nobody is told, and
        whoever meets the same again should tell it again.

        Args:
            text: one line of at most 300 characters, such as `Amelia Rivers cannot be reached: no such user`.
            once: what it is about, such as a contact and a reason; of the same no run of the bot tells again for 400
                days.
        """


class Bot(Protocol):
    """One kind of work. Instances are made per run, without arguments."""

    name: ClassVar[str]
    """The job's `bot_type`: lower-case letters, digits, `_`, `-`."""
    description: ClassVar[str]
    """One sentence for people."""
    Config: ClassVar[type[BaseModel]]
    """The job's `bot_config`; unknown keys must be refused (`extra="forbid"`), types not coerced (`strict=True`)."""
    uses_settings: ClassVar[tuple[str, ...]]
    """Secret settings (`MESSAGE_URL`) and secrets (`BOT_SECRET_…`) that it needs whatever its job names."""
    safe_to_rerun: ClassVar[bool]
    """Whether a run that a stopping worker cut short may simply be run again."""

    def run(self, context: Context) -> dict[str, Any]:
        """Do the work.

        Returns:
            A JSON-ready dict. `messages_sent` and `profiles_visited` in it are also shown as the run's counts.

        Raises:
            Exception: the run fails, with this exception's message as its error. An exception (that of a run
                whose time is up included) may carry what was done until then as its attribute `result`.
            RunFailed: so it does, and is tried again only as the exception says.
        """
