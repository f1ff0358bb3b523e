"""Flags that say what a key may do: its scopes, its limits, and until when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from service.cli.client.completing import complete_bots
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import parsed_labels
from service.cli.input.schedule_texts import parsed_duration
from service.cli.output.escaping import quoted
from service.domain.access.scopes import SETS, Scope

NEVER = "never"


def _complete_sets(incomplete: str) -> list[tuple[str, str]]:
    return [(name, ", ".join(_in_order(scopes))) for name, scopes in SETS.items() if name.startswith(incomplete)]


Scopes = Annotated[
    list[Scope] | None, typer.Option("--scope", case_sensitive=False, help="A scope of the key; repeat for more.")
]
SetOfScopes = Annotated[
    str | None,
    typer.Option(
        "--set", metavar="|".join(SETS), autocompletion=_complete_sets,
        help="A set of scopes for a usual case; --scope adds to it.",
    ),
]  # fmt: skip
LabelLimits = Annotated[
    list[str] | None,
    typer.Option(
        "--label", metavar="KEY=VALUE", help="Limit the key to jobs with this label; repeat for more labels or values."
    ),
]
BotLimits = Annotated[
    list[str] | None,
    typer.Option(
        "--bot", metavar="BOT", help="Limit the key to jobs of this bot; repeat for more.", autocompletion=complete_bots
    ),
]
Expires = Annotated[
    str | None,
    typer.Option(
        "--expires",
        metavar="TIME",
        help="When the key ends: 2027-01-31T08:00:00 (UTC), 90d (from now) or never.",
    ),
]
Note = Annotated[str | None, typer.Option("--note", help="A remark for people.")]


@dataclass(frozen=True, slots=True)
class KeyFlags:
    """The flags of a key. None, or an empty list, if a flag is absent."""

    scopes: list[Scope] | None
    set_: str | None
    labels: list[str] | None
    bots: list[str] | None
    expires: str | None
    note: str | None

    def fields(self, current: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """Return the fields of the API that the flags name.

        Args:
            current: The key as it is; empty for a new one. Its labels stay, apart from those that the flags name.
            now: The start of a duration.

        Raises:
            Failure: A flag is invalid.
        """
        fields: dict[str, Any] = {}
        if self.scopes or self.set_ is not None:
            fields["scopes"] = _in_order({*(self.scopes or ()), *_set(self.set_)})
        if self.labels:
            fields["labels"] = _laid_over(current.get("labels") or {}, self.labels)
        if self.bots:
            fields["bot_types"] = self.bots
        if self.expires is not None:
            fields["expires_at"] = _expiry(self.expires, now)
        if self.note is not None:
            fields["note"] = self.note or None
        return fields


def parsed_overlap(text: str) -> int:
    """Parse `--overlap`.

    Returns:
        Seconds.

    Raises:
        Failure: It is no duration.
    """
    if (duration := parsed_duration(text)) is None:
        raise Failure(Exit.USAGE, f"--overlap takes a duration such as 1h or 7d, not {quoted(text)}")
    return int(timedelta(**duration).total_seconds())


def _in_order(scopes: set[Scope] | frozenset[Scope]) -> list[str]:
    return [scope.value for scope in Scope if scope in scopes]


def _set(name: str | None) -> frozenset[Scope]:
    if name is None:
        return frozenset()
    if name not in SETS:
        raise Failure(Exit.USAGE, f"--set takes {', '.join(SETS)}, not {quoted(name)}")
    return SETS[name]


def _laid_over(before: Mapping[str, list[str]], pairs: list[str]) -> dict[str, list[str]] | None:
    """Give each label that is named the values that are named; an empty value takes the label away."""
    named: dict[str, list[str]] = {}
    for pair in pairs:
        for label, value in parsed_labels([pair]).items():
            # An unset variable, as in `--label team=$TEAM`, must not make a key without limits.
            if not value and label not in before:
                raise Failure(Exit.USAGE, f"--label {label}= has no value, and the key has no such label to take away")
            named.setdefault(label, []).extend([value] if value else [])
    return {label: values for label, values in {**before, **named}.items() if values} or None


def _expiry(text: str, now: datetime) -> str | None:
    if text == NEVER:
        return None
    if "-" in text:
        return text  # a timestamp, which the API checks
    ends = now.astimezone(UTC) + timedelta(**parsed_duration(text) or {})
    if ends <= now:
        taken = f"a time such as 2027-01-31T08:00:00, a duration such as 90d, or {NEVER}"
        raise Failure(Exit.USAGE, f"--expires takes {taken}, not {quoted(text)}")
    return ends.strftime("%Y-%m-%dT%H:%M:%SZ")
