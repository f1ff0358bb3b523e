"""The pauses between tries."""

from __future__ import annotations

from service.backoff import Backoff


def test_pauses_grow_up_to_the_longest_and_begin_anew_after_a_success() -> None:
    """The scheduler's and the workers'."""
    backoff = Backoff(0.5, 5.0)
    assert [backoff.next() for _ in range(6)] == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    backoff.reset()
    assert [backoff.next() for _ in range(2)] == [0.5, 1.0]


def test_they_may_grow_more_slowly_and_never_exceed_the_longest() -> None:
    """The command line's; also where the first is too long already."""
    backoff = Backoff(1.0, 2.0, factor=1.5)
    assert [backoff.next() for _ in range(3)] == [1.0, 1.5, 2.0]
    assert [Backoff(9.0, 2.0).next(), Backoff(0.0, 2.0).next()] == [2.0, 0.0]
