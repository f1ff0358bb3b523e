"""Choices among stored keys: those that the caller sees, narrowed by words, a scope and a state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from service.domain.access.key_records import stored_limits, stored_scopes
from service.domain.access.limits import NO_LIMITS, Limits
from service.domain.access.scopes import Scope
from service.domain.input.refusals import Refusals, echo, listed
from service.domain.input.search import folded, is_found

STATES = ("valid", "rotating", "expired")
"""What a key can be: accepted; accepted with its former secret, too; refused since it has expired."""


@dataclass(frozen=True, slots=True)
class KeyChoice:
    """A choice among keys.

    Args:
        limits: within which the limits of a key must lie.
        words: must all stand in its name and note, in any order and any case, or the text in its id; empty for any.
        scope: that it must have; None for any.
        state: one of `STATES`; None for any.
        now_ms: the time for which its state counts.
    """

    limits: Limits = NO_LIMITS
    words: str = ""
    scope: Scope | None = None
    state: str | None = None
    now_ms: int = 0

    @property
    def is_all(self) -> bool:
        """Whether it takes every key."""
        return self.limits.are_none and not self.words and self.scope is None and self.state is None

    @property
    def fields(self) -> tuple[str, ...]:
        """The stored fields by which it takes a key: no more are read of those that it leaves."""
        of_limits = () if self.limits.are_none else ("labels", "bot_types")
        of_words = ("name", "note") if self.words else ()
        return ("scopes", *of_limits, *of_words, *(("expires_at", "previous_until") if self.state else ()))

    def takes(self, key_id: str, fields: Mapping[str, str | None]) -> bool:
        """Return whether it takes a key.

        Args:
            key_id: the key's id.
            fields: its stored ones, of those that `fields` names; None for those that it does not have.
        """
        scopes = fields["scopes"]
        if scopes is None:  # the key has gone
            return False
        if not self.limits.are_none and not stored_limits(fields["labels"], fields["bot_types"]).within(self.limits):
            return False
        if self.words:
            told = folded(f"{fields['name'] or ''}\n{fields['note'] or ''}")
            if not is_found(self.words, told) and self.words.strip().casefold() not in key_id.casefold():
                return False
        if self.scope is not None and self.scope not in stored_scopes(scopes):
            return False
        return self.state is None or self._has_state(fields["expires_at"], fields["previous_until"])

    def _has_state(self, expires_at: str | None, previous_until: str | None) -> bool:
        is_valid = expires_at is None or int(expires_at) * 1000 > self.now_ms
        if self.state == "rotating":
            return is_valid and previous_until is not None and int(previous_until) > self.now_ms
        return is_valid == (self.state == "valid")


def parse_choice(limits: Limits, now_ms: int, words: str | None, scope: str | None, state: str | None) -> KeyChoice:
    """Parse the filters of a list of keys.

    Args:
        limits: the caller's.
        now_ms: the present time.
        words: as somebody typed them; None for any.
        scope: a scope's name; None for any.
        state: one of `STATES`; None for any.

    Raises:
        ValidationFailed: there is no such scope or state.
    """
    refusals, known = Refusals(), [one.value for one in Scope]
    if scope is not None and scope not in known:
        refusals.add("scope", f"must be {listed(known, 'or')}, not {echo(scope)}")
    if state is not None and state not in STATES:
        refusals.add("state", f"must be {listed(STATES, 'or')}, not {echo(state)}")
    refusals.raise_any()
    return KeyChoice(limits, (words or "").strip(), None if scope is None else Scope(scope), state, now_ms)
