"""The context that a bot receives when it runs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from bot_scheduler.contacts import Contacts, Person
from bot_scheduler.run import Run


class Ledger(Protocol):
    """Record of actions that must never be repeated. Entries are kept for 400 days, one set for each bot."""

    def claim(self, key: str, *, retake: bool = False, person: Person | None = None) -> str:
        """Claim `key` before acting.

        Args:
            key: names the action, such as `2025-04-12 water the plants`.
            retake: also take over a claim that another run left unsettled, unless that run is still under way.
            person: the contact with whose id `key` begins. Entries under any other id of the same person count as well.

        Returns:
            `"claimed"` if the key is now yours. Otherwise the state of the key: `"unknown"` if a run claimed it and
            never settled it, or the outcome with which it was settled.
        """

    def outcomes(self, keys: Sequence[str], people: Sequence[Person] = ()) -> list[str | None]:
        """Return the state of each key without claiming it: None if nobody claimed it, `"unknown"`, or its outcome.

        Args:
            keys: the keys to look at.
            people: one person for each key, as in `claim`; or nobody.
        """

    def settle(self, key: str, outcome: str) -> None:
        """Record the outcome of a claim that is yours.

        Args:
            key: the claimed key.
            outcome: a word such as `"sent"` or `"failed"`. `"released"` gives the claim back, as if you had never
                claimed it.
        """

    def first_run(self) -> str:
        """Return the id of the first attempt of which this run is a retry; the run's own id if it is no retry."""


class Memory(Protocol):
    """Values that a bot keeps between runs and could compute again. The service may forget them at any time."""

    def recall(self, key: str) -> str | None:
        """Return the value stored under `key`, or None."""

    def remember(self, key: str, value: str, seconds: int) -> None:
        """Store a value for some time.

        Args:
            key: the value's name.
            value: at most 64 Ki characters. A longer value is not stored.
            seconds: how long to keep it, at least 1. A fraction is rounded up.
        """

    def take_turn(self, key: str, seconds: float, gap: float = 0.0) -> float:
        """Take the turn at `key`, which only one run of the bot has at a time. Take it again to renew it.

        Args:
            key: names the shared thing, such as a host.
            seconds: how long the turn lasts unless this run ends or renews it.
            gap: seconds, at most 60, that must have passed since the last turn ended.

        Returns:
            0 if this run now has the turn. Otherwise the seconds after which the turn is free at the latest.
        """

    def end_turn(self, key: str) -> None:
        """End this run's turn at `key`."""


class Secrets(Protocol):
    """The secrets of a run: those that the job's config names (`env:BOT_SECRET_…`), and those that the bot declares.

    The service removes them from the run's error, result and log, however the bot fails, unless the bot cuts or encodes
    them itself.
    """

    def text(self, value: str, url: str | None) -> str:
        """Return the secret that `value` names, or `value` itself if it does not begin with `env:`.

        Args:
            value: `env:BOT_SECRET_…`, or a plain text.
            url: the address to which you are about to send the secret. A secret that is bound to hosts goes nowhere
                else. None means that you send it nowhere.

        Raises:
            ServiceError: the secret is not set, is malformed, or is not allowed here. The message names the variable.
        """

    def address(self, value: str) -> str:
        """Return the web address that `value` names, or `value` itself if it does not begin with `env:`.

        Raises:
            ServiceError: as in `text`.
        """

    def redacted(self, text: str) -> str:
        """Return `text` without secrets. Use it on a text before you cut it short."""

    def redacted_start(self, text: str, limit: int, whole: bool) -> str:
        """Return the start of `text` without secrets.

        Args:
            text: the text.
            limit: the most characters to return.
            whole: whether `text` is complete. If it was cut before, its end may hold half of a secret, which goes too.
        """


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
        """The run's id. Each retry has its own."""

    @property
    def origin_id(self) -> str:
        """The id of the first attempt, which a run and all its retries have in common."""

    @property
    def run(self) -> Run:
        """The run's occurrence, and what its job did before."""

    @property
    def now(self) -> datetime:
        """The instant at which the run started, aware, in the job's time zone."""

    @property
    def timezone(self) -> ZoneInfo:
        """The job's time zone: UTC unless its schedule names another."""

    @property
    def log(self) -> logging.Logger:
        """A logger that writes to the run's log."""

    @property
    def ledger(self) -> Ledger:
        """Record of actions that must never be repeated."""

    @property
    def memory(self) -> Memory:
        """Values that the bot keeps between runs and could compute again."""

    @property
    def contacts(self) -> Contacts:
        """The address book."""

    @property
    def settings(self) -> Any:
        """The service's settings, read-only. A secret one is there only if the bot's `uses_settings` lists it."""

    @property
    def secrets(self) -> Secrets:
        """The secrets that the job's config names or the bot declares."""

    @property
    def cancelled(self) -> bool:
        """Whether the run was asked to stop. The bot then returns the work done so far."""

    @property
    def elapsed(self) -> float:
        """Seconds since the run started, by a monotonic clock."""

    @property
    def time_left(self) -> float:
        """Seconds until the job's `timeout_seconds` are over and the run is interrupted."""

    def wait(self, seconds: float) -> bool:
        """Wait. Return False at once if the run is asked to stop meanwhile; then do as after `cancelled`."""

    def progress(self, done: int, total: int) -> None:
        """Report that `done` of `total` pieces of work are done."""

    def tell(self, text: str, *, once: str) -> None:
        """Tell people of something that they should look at and that does not fail the run.

        It goes to `ALERT_URL` and the job's `alert_urls` when the run ends, however it ends. One alert has
        everything that the run reports. A rehearsal reports nothing. If the worker is killed, nothing is reported, and
        the next run that meets the same should report it again.

        Args:
            text: one line of at most 300 characters, such as `Amelia Rivers cannot be reached: no such user`.
            once: the subject, such as a contact and a reason. No run of the bot tells the same subject again for 400
                days.
        """
