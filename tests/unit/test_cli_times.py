"""Times that people type and read on the command line, and what is shown again and again."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cli.exits import Exit, Failure
from service.cli.input.moments import instant
from service.cli.output import watching
from service.cli.output.tables import BETWEEN, Column, fitted
from service.cli.output.times import relative

NOW = datetime(2027, 1, 15, 8, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "past", "to_come"),
    [
        ("2h", "2027-01-15T06:00:00", "2027-01-15T10:00:00"),
        ("1d12h", "2027-01-13T20:00:00", "2027-01-16T20:00:00"),
        ("+30m", "2027-01-15T08:30:00", "2027-01-15T08:30:00"),
        ("-30m", "2027-01-15T07:30:00", "2027-01-15T07:30:00"),
        ("now", "2027-01-15T08:00:00", "2027-01-15T08:00:00"),
        ("today", "2027-01-15T00:00:00", "2027-01-15T00:00:00"),
        ("Yesterday", "2027-01-14T00:00:00", "2027-01-14T00:00:00"),
        ("tomorrow", "2027-01-16T00:00:00", "2027-01-16T00:00:00"),
        ("2027-01-07", "2027-01-07T00:00:00", "2027-01-07T00:00:00"),
        ("2027-01-07 9:30", "2027-01-07T09:30:00", "2027-01-07T09:30:00"),
        ("2027-01-07T09:30:00+01:00", "2027-01-07T09:30:00+01:00", "2027-01-07T09:30:00+01:00"),
        ("2027-13-07", "2027-13-07T00:00:00", "2027-13-07T00:00:00"),  # for the service to refuse
    ],
)
def test_a_time_can_be_typed_as_people_say_it(text: str, past: str, to_come: str) -> None:
    """Durations count backwards where something over is meant, forwards where something to come is."""
    assert (instant(text, NOW, past=True), instant(text, NOW, past=False)) == (past, to_come)


@pytest.mark.parametrize("text", ["yesterdy", "soon", "999999w", "25:00", "8am", "", "15.01.2027"])
def test_a_word_that_is_no_time_is_refused(text: str) -> None:
    """Before anything is asked."""
    with pytest.raises(Failure) as refused:
        instant(text, NOW, past=True)
    assert refused.value.exit is Exit.USAGE


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "now"), (1, "in 1 s"), (-59, "59 s ago"), (-60, "1 min ago"), (3570, "in 1 h"), (-3599, "1 h ago"),
        (47 * 3600, "in 47 h"), (48 * 3600, "in 2 d"), (-45 * 86_400, "45 d ago"), (90 * 86_400, "in 3 mo"),
        (-800 * 86_400, "2 y ago"),
    ],
)  # fmt: skip
def test_a_time_is_told_from_now_on(seconds: int, said: str) -> None:
    """In the largest unit of which there is more than one, or nearly."""
    assert relative(f"{NOW + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}", NOW) == said


@given(
    st.lists(
        st.tuples(st.sampled_from(["text", "id", "time", "whole"]), st.integers(0, 4), st.integers(1, 120)),
        min_size=1, max_size=9,
    ),
    st.integers(20, 200),
)  # fmt: skip
def test_columns_fit_or_cannot_be_shorter(given: list[tuple[str, int, int]], room: int) -> None:
    """What stays fits, or is at its shortest, and none of it may go. Nothing grows; the highest rank goes first."""
    columns = {place: Column("C", kind, None, rank) for place, (kind, rank, _) in enumerate(given)}  # type: ignore[arg-type]
    widths = {place: width for place, (_, _, width) in enumerate(given)}
    kept = fitted(columns, widths, room)
    total = sum(kept.values()) + len(BETWEEN) * (len(kept) - 1)
    shortest = {place: columns[place].shortest(widths[place]) for place in kept}
    assert total <= room or (kept == shortest and all(columns[place].rank == 0 for place in kept))
    assert all(shortest[place] <= width <= widths[place] for place, width in kept.items())
    gone = [columns[place].rank for place in columns if place not in kept]
    assert not gone or min(gone) >= max((columns[place].rank for place in kept), default=0) or 0 not in gone


def test_a_list_is_shown_again_where_it_differs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a pipe; an absence of the service is told on the side, and Ctrl-C ends it all."""
    turns = iter(["one", "one", Failure(Exit.UNREACHABLE, "away"), "two", KeyboardInterrupt()])

    def show() -> None:
        turn = next(turns)
        if isinstance(turn, BaseException):
            raise turn
        sys.stdout.write(f"{turn}\n")

    monkeypatch.setattr(watching, "_wait", lambda: None)
    with pytest.raises(KeyboardInterrupt):
        watching.keep_showing(show, "bot-scheduler history")
    said = capsys.readouterr()
    assert (said.out, said.err) == ("one\n\ntwo\n", "away; trying again\n")
