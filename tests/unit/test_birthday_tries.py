"""When a letter that was refused for now is tried again, and which one is next."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.bots.birthday.birthdays import Greeting
from service.bots.birthday.letters import gist
from service.bots.birthday.tries import PAUSES, TRY_SECONDS, Tries, pause_after
from service.domain.people.contact import Contact

HOUR = 3600.0


def greetings(names: str) -> list[Greeting]:
    """One for each letter."""
    return [Greeting(Contact(id=name, name=name), date(2025, 4, 12), 0) for name in names]


def test_it_is_tried_again_after_1_5_and_15_minutes() -> None:
    """SPEC §4, birthday."""
    assert PAUSES == (60.0, 300.0, 900.0)
    assert [pause_after(refusals, HOUR) for refusals in (1, 2, 3, 4, 100)] == [60.0, 300.0, 900.0, None, None]


@pytest.mark.parametrize(
    ("refusals", "time_left", "pause"),
    [
        (1, 90.0, 60.0),
        (1, 89.9, None),
        (2, 330.0, 300.0),
        (2, 329.0, None),
        (3, 930.0, 900.0),
        (3, 929.0, None),
        (1, 0.0, None),
        (1, -5.0, None),
        (1, float("inf"), 60.0),
    ],
)
def test_the_runs_time_bounds_it(refusals: int, time_left: float, pause: float | None) -> None:
    """A try needs half a minute, so that it is not interrupted while it sends."""
    assert TRY_SECONDS == 30.0
    assert pause_after(refusals, time_left) == pause


def test_what_was_not_tried_comes_first_and_then_what_is_due_first() -> None:
    """Each counts its pause from its own refusal."""
    tries, order, elapsed = Tries(greetings("abcd")), "", 0.0
    while (one := tries.first(10)) is not None:
        elapsed = max(elapsed, one.due)
        order += tries.take(one).greeting.contact.name
        if one.refusals < {"a": 2, "c": 1}.get(one.greeting.contact.name, 0):
            tries.put_off(one, "450", elapsed, HOUR)
        elapsed += 1
    assert order == "abcdaca"
    assert tries.refused == []


def test_what_waits_keeps_its_place_until_it_is_given_up() -> None:
    """The limit's first are the run's, and nobody who can never be sent to starves who comes after."""
    tries, order, room, elapsed = Tries(greetings("abc")), "", 2, 0.0
    while (one := tries.first(room)) is not None:
        elapsed = max(elapsed, one.due)
        name = tries.take(one).greeting.contact.name
        order += name
        if name == "a":
            tries.put_off(one, "450", elapsed, HOUR - elapsed)
        else:
            room -= 1
    assert order == "abaaac"
    assert [one.greeting.contact.name for one in tries.refused] == ["a"]
    assert elapsed == sum(PAUSES)


@given(st.lists(st.integers(0, 6), max_size=12), st.integers(1, 15), st.floats(0, 4000), st.floats(0, 20))
def test_everybody_is_sent_to_given_up_or_left_over(
    refusals: list[int], room: int, limit: float, seconds: float
) -> None:
    """Nobody is lost or tried twice at once, whatever is refused how often and however long it takes."""
    names = [chr(ord("a") + n) for n in range(len(refusals))]
    times = dict(zip(names, refusals, strict=True))
    tries, elapsed = Tries(greetings("".join(names))), 0.0
    sent: list[str] = []
    begun: list[str] = []
    while (one := tries.first(room - len(sent))) is not None:
        elapsed = max(elapsed, one.due)
        name = tries.take(one).greeting.contact.name
        begun.append(name)
        elapsed += seconds
        if one.refusals < times[name]:
            pause = tries.put_off(one, "450", elapsed, limit - elapsed)
            assert pause is None or elapsed + pause + TRY_SECONDS <= limit + 0.001
        else:
            sent.append(name)
    given_up = [one.greeting.contact.name for one in tries.refused]
    left_over = names[len(names) - tries.fresh :]
    assert sorted(sent + given_up + left_over) == names
    assert tries.waiting == 0 and len(sent) <= room
    assert all(begun.count(name) <= len(PAUSES) + 1 for name in names)
    assert not left_over or len(sent) == room


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (
            "refused the recipient: 550 5.1.1 user unknown d9443c01a7336-1b9e.24 - gsmtp",
            "refused the recipient: 550 5.1.1 user unknown 98e67ed59e1d1-7fa1 - gsmtp",
            True,
        ),
        (
            "550 5.1.1 <a@example.org>: no such user, see https://example.org/?p=abc",
            "550 5.1.1 <a@example.org>: No such user, see https://example.org/?p=def",
            True,
        ),
        ("550 mailbox of 12:00:01 unknown", "550 mailbox of 12:05:09 unknown", True),
        ("550 no such user", "554 no such user", False),
        ("550 5.1.1 no such user", "550 5.7.1 no such user", False),
        ("550 no such user", "550 blocked for spam", False),
    ],
)
def test_a_reason_is_the_same_whatever_ids_a_server_puts_into_it(one: str, other: str, same: bool) -> None:
    """Many write the message's, the session's or the time into each answer."""
    assert (gist(one) == gist(other)) is same
