"""A clock that stands still until a test moves it, and values that expire by it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Generic, TypeVar

Value = TypeVar("Value")


class FakeClock:
    """Time as a test wants it.

    Args:
        now: the instant at which it stands, aware.
    """

    def __init__(self, now: datetime) -> None:
        if now.tzinfo is None:
            raise ValueError("now must have a time zone, as in datetime(2025, 4, 12, 8, 0, tzinfo=UTC)")
        self.now = now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now = self.after(seconds)

    def after(self, seconds: float) -> datetime:
        """Return the instant so many seconds from now."""
        return self.now + timedelta(seconds=seconds)


class Expiring(Generic[Value]):
    """A dict whose entries expire.

    Args:
        clock: the clock by which they do.
    """

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._entries: dict[str, tuple[Value, datetime]] = {}

    def get(self, key: str) -> Value | None:
        """Return the value of `key`; None if it is not set, or has expired."""
        value, expires = self._entries.get(key, (None, self._clock.now))
        return value if expires > self._clock.now else None

    def set(self, key: str, value: Value, seconds: float) -> None:
        """Keep `value` for some seconds."""
        self._entries[key] = value, self._clock.after(seconds)

    def delete(self, key: str) -> None:
        """Forget `key`."""
        self._entries.pop(key, None)

    def items(self) -> dict[str, Value]:
        """Return the entries that have not expired."""
        return {key: value for key, (value, expires) in self._entries.items() if expires > self._clock.now}
