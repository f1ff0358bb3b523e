"""The board that a work horse and its parent share: what is read was written so, by the horse, as a whole."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from service.worker.board import SIZE, UNWATCHED_SECONDS, Board, Defaced, UnderWay
from tests.support.processes import until

SEED = int(os.environ.get("SEED") or random.randrange(1_000_000))
READS = 20_000


def numbered(number: int) -> UnderWay:
    """An entry of which each part tells the number, and whose length changes with it."""
    text = str(number) * (1 + number % 20)
    return UnderWay({"job_id": text, "run_id": text, "occurrence": text}, text, float(number), float(number))


def write_for_ever(board: Board) -> None:
    """Entry after entry, as fast as can be, some of them empty."""
    number = 1
    while True:
        board.show(numbered(number))
        if number % 7 == 0:
            board.clear()
        number += 1


@contextmanager
def in_a_process(does: Callable[[], None]) -> Iterator[int]:
    """A forked process that does this, until it is killed."""
    pid = os.fork()
    if pid == 0:
        try:
            does()
        finally:
            os._exit(0)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def read_whole(board: Board) -> float:
    """The number of an entry all of whose parts tell the same one; 0 for an empty one."""
    run = board.shown()
    if run is None:
        return 0.0
    assert run == numbered(int(run.asked))
    return run.asked


def test_no_entry_is_read_that_was_half_written() -> None:
    """Two processes, one of which writes without a pause: each entry is whole, and none is older than one before."""
    board = Board()
    with in_a_process(lambda: write_for_ever(board)):
        until(lambda: board.shown() is not None, 30)
        read: list[float] = []

        def have_run_together() -> bool:
            read.extend(number for number in (read_whole(board) for _ in range(READS)) if number)
            return len(set(read)) > 10

        until(have_run_together, 60)  # a busy machine may let one of them run alone for a while
    assert read == sorted(read)


def test_a_horse_killed_at_any_instant_leaves_a_whole_entry() -> None:
    """Also in the middle of writing the next one, and of storing the number that shows it."""
    print(f"SEED={SEED}")
    chance = random.Random(SEED)
    for _ in range(100):
        board = Board()
        with in_a_process(lambda board=board: write_for_ever(board)):  # type: ignore[misc]
            until(lambda board=board: board.shown() is not None, 30)  # type: ignore[misc]
            time.sleep(chance.uniform(0, 0.001))  # an instant that nobody chooses
        last = read_whole(board)
        assert read_whole(board) == last


def test_a_byte_that_was_written_over_is_noticed() -> None:
    """Whichever it is, unless it is no part of what is shown."""
    board = Board()
    board.show(numbered(3))
    noticed = 0
    for at in range(SIZE):
        board._memory[at] ^= 0xFF
        try:
            assert board.shown() == numbered(3)
        except Defaced:
            noticed += 1
        board._memory[at] ^= 0xFF
    assert noticed > 60


@pytest.mark.parametrize("seed", range(20))
def test_rubbish_is_no_entry(seed: int) -> None:
    """Nothing but `Defaced` is raised."""
    board = Board()
    board._memory[:] = random.Random(seed).randbytes(SIZE)
    with pytest.raises(Defaced):
        board.shown()


def test_a_forked_copy_of_a_horse_writes_nothing_on_the_board() -> None:
    """A bot has forked its process, and the copy goes on as if it were the horse."""
    board = Board()

    def horse() -> None:
        board.keep_from_copies()
        board.show(numbered(1))
        copy = os.fork()
        if copy == 0:
            board.show(numbered(2))
            os._exit(0 if not board.is_watched() else 1)
        _, status = os.waitpid(copy, 0)
        board.show(numbered(3 if status == 0 else 4))
        time.sleep(600)

    with in_a_process(horse):
        until(lambda: (run := board.shown()) is not None and run.asked != 1, 30)
        assert board.shown() == numbered(3)


def test_an_entry_is_shown_and_cleared() -> None:
    """With all that the horse has said, also if that is not ASCII; the last word counts."""
    board = Board()
    assert board.shown() is None
    run = UnderWay({"job_id": "j", "run_id": "r", "request_id": "¡sí!"}, "token", 1.5, 3600)
    board.show(run)
    assert board.shown() == run and run.run_id == "r"
    board.clear()
    assert board.shown() is None


def test_ids_that_do_not_fit_are_left_out() -> None:
    """But for the run's and the job's."""
    board = Board()
    board.show(UnderWay({"job_id": "j", "run_id": "r", "request_id": "x" * SIZE}, "token", 1.0, 2.0))
    assert board.shown() == UnderWay({"job_id": "j", "run_id": "r"}, "token", 1.0, 2.0)


def test_a_horse_is_watched_for_a_while_after_each_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """And no longer."""
    now = [1000.0]
    monkeypatch.setattr("service.worker.board.monotonic", lambda: now[0])
    board = Board()
    now[0] += UNWATCHED_SECONDS - 0.01
    assert board.is_watched()
    now[0] += 0.02
    assert not board.is_watched()
    board.look_after()
    assert board.is_watched()
