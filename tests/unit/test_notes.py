"""What a run says, on its way to Redis: nothing is lost or doubled when that is away, and the newest lines outlast."""

from __future__ import annotations

import json
import logging
import os
import signal
import threading

from service.errors import StoreUnavailable
from service.store.runs.run_log import cut_middle
from service.worker.notes import LINE_LIMIT, LINES_HELD, Notes, RunLog

Note = tuple[int, tuple[int, int] | None, list[str]]


class Store:
    """Takes notes as Redis does, one of each number, and can be away: before it has heard, or with its answer."""

    def __init__(self) -> None:
        self.taken: dict[int, Note] = {}
        self.away = self.mute = False

    def write(self, number: int, progress: tuple[int, int] | None, lines: list[str]) -> bool:
        if not self.away:
            self.taken.setdefault(number, (number, progress, list(lines)))
        if self.away or self.mute:
            raise StoreUnavailable("away")
        return True

    def messages(self) -> list[str]:
        """All lines that it has."""
        return [json.loads(line)["message"] for _, _, lines in self.taken.values() for line in lines]


def notes_of(store: Store) -> Notes:
    """Notes whose thread is not started, so that a test says when they are written."""
    notes = Notes(store.write, lambda: 0.0)
    notes._start = lambda: None  # type: ignore[method-assign]
    return notes


def test_a_note_whose_answer_was_lost_costs_no_line() -> None:
    """What is logged meanwhile goes into the next note: the first one, which was heard, is asked again as it was."""
    store = Store()
    notes = notes_of(store)
    store.mute = True
    notes.line("info", "1")
    notes._flush()
    notes.line("info", "2")
    notes._flush()
    store.mute = False
    notes.close()
    assert store.messages() == ["1", "2"]


def test_of_lines_that_come_too_fast_the_newest_are_kept() -> None:
    """The traceback comes last; how many lines are missing is told where they were."""
    store = Store()
    notes = notes_of(store)
    store.away = True
    for number in range(LINES_HELD + 100):
        notes.line("info", str(number))
    store.away = False
    notes.close()
    first, *rest = store.messages()
    assert first.startswith("100 lines are left out here")
    assert rest == [str(number) for number in range(100, LINES_HELD + 100)]


def test_a_long_line_keeps_both_its_ends() -> None:
    """A traceback's last line says what was raised; the cut is visible and the whole within its limit."""
    store = Store()
    notes = notes_of(store)
    notes.line("error", "Traceback\n" + "ä" * 10_000 + "\nValueError: why")
    notes.close()
    (message,) = store.messages()
    assert message.startswith("Traceback") and message.endswith("ValueError: why") and "left out here" in message
    assert len(message.encode()) <= LINE_LIMIT


def test_cutting_leaves_what_fits_and_never_half_a_character() -> None:
    """At every length around the limit, of characters of one to four bytes."""
    for character in "aä€😀":
        for count in range(20, 120):
            text = character * count
            cut = cut_middle(text, 100)
            assert len(cut.encode()) <= 100
            assert (cut == text) == (len(text.encode()) <= 100)
            assert "\ufffd" not in cut


def test_a_copy_of_the_process_writes_nothing() -> None:
    """A bot that forks leaves it the lock as it was and no thread; its notes would take the numbers of real ones."""
    store = Store()
    notes = notes_of(store)
    notes._lock.acquire()
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # it would wait for the lock for ever
        notes.line("info", "from the copy")
        notes.progress(1, 2)
        os._exit(7 if not notes._lines else 1)
    notes._lock.release()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_a_line_keeps_what_is_not_utf_8() -> None:
    """It stands escaped, not as a question mark, also in a line whose middle is left out."""
    store = Store()
    notes = notes_of(store)
    name = os.fsdecode(b"caf\xe9.txt")
    notes.line("info", name)
    notes.line("info", name * LINE_LIMIT)
    notes.close()
    short, long = store.messages()
    assert short == "caf\\udce9.txt"
    assert long.startswith(short) and long.endswith(short) and len(long.encode()) <= LINE_LIMIT


def test_a_run_that_has_ended_starts_no_thread() -> None:
    """A line that comes too late, from a thread of the bot's own, is not written."""
    store = Store()
    notes = Notes(store.write, lambda: 0.0)
    notes.close()
    before = threading.active_count()
    notes.line("info", "late")
    assert threading.active_count() == before and store.messages() == []


def test_the_logger_of_a_run_is_made_when_it_is_used_and_writes_to_its_notes() -> None:
    """It is always the same one, below `service.run`, and logging does not keep it."""
    store = Store()
    notes = notes_of(store)
    run_log = RunLog("2d1b4ba2", notes)
    run_log.logger.info("%d found", 3)
    assert run_log.logger is run_log.logger and run_log.logger.name == "service.run.2d1b4ba2"
    assert run_log.logger.parent is logging.getLogger("service.run")
    assert run_log.logger.name not in logging.root.manager.loggerDict
    notes.close()
    assert store.messages() == ["3 found"]
