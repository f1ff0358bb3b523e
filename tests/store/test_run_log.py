"""Logs of runs: what of a long one is kept, what its followers see of it, and what tells that one is gone."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from redis import Redis

from service.domain.run_records import Outcome
from service.store.runs.run_hashes import LOG_BYTES
from service.store.scripts import Limits
from service.usecases.run_following import LINES_AT_A_TIME, Following
from tests.support.store_rig import Rig


class Writer:
    """A run that logs lines of about 1,000 bytes, numbered from 1."""

    def __init__(self, rig: Rig, job_id: str | None = None) -> None:
        self.rig = rig
        self.job_id = job_id or rig.make_job(options={"max_concurrent_runs": 5})
        self.run_id = rig.use.run_now(self.job_id)
        self.token = rig.start(self.run_id)
        self.written = 0
        self._notes = 0

    def write(self, count: int, size: int = 1000) -> None:
        """So many lines in one note."""
        numbers = range(self.written + 1, self.written + count + 1)
        lines = [json.dumps({"at": "", "level": "info", "message": f"{n} ".ljust(size, "x")}) for n in numbers]
        self.written += count
        self._notes += 1
        assert self.rig.runs.note(self.run_id, self.token, self._notes, progress=None, lines=lines)

    def end(self) -> None:
        """Ends the run."""
        self.rig.runs.finish(self.run_id, self.token, Outcome("success", None, {}))

    def log(self) -> tuple[list[str], int, bool]:
        """The first words of its lines, the number of the last, and whether it is trimmed."""
        answer = self.rig.use.run_log(self.job_id, self.run_id)
        return [line["message"].split()[0] for line in answer["lines"]], answer["last_line"], answer["trimmed"]

    def follow(self, after: int = 0) -> Iterator[tuple[int, str]]:
        """What a reader gets until there is nothing new: numbers, and first words of lines."""
        while news := Following(self.rig.scripts).news(self.run_id, after):
            if not news.lines:
                return
            for after, text in news.lines:
                yield after, json.loads(text)["message"].split()[0]


@pytest.fixture
def writer(redis_client: Redis) -> Writer:
    """A run under way."""
    return Writer(Rig.on(redis_client))


@pytest.mark.parametrize("at_once", [1, 7, 300])
def test_of_a_long_log_head_and_tail_are_kept_and_the_cut_is_told(writer: Writer, at_once: int) -> None:
    """The traceback at its end is there, all within 64 KiB; one line says how many are left out, however they came."""
    while writer.written < 300:
        writer.write(min(at_once, 300 - writer.written))
    rig = writer.rig
    lines = rig.log(writer.run_id)
    (cut,) = [place for place, line in enumerate(lines) if "left out" in line["message"]]
    head, tail = [[int(line["message"].split()[0]) for line in part] for part in (lines[:cut], lines[cut + 1 :])]
    assert head == list(range(1, head[-1] + 1)) and tail == list(range(tail[0], 301))
    assert lines[cut]["message"].startswith(f"{tail[0] - head[-1] - 1} lines are left out here")
    kept = sum(len(json.dumps(line)) for line in lines[:cut] + lines[cut + 1 :])
    assert LOG_BYTES - 3000 < kept <= LOG_BYTES
    assert writer.log()[1:] == (300, False)


def test_a_log_that_fits_is_kept_whole(writer: Writer) -> None:
    """Also where its middle lies between what is kept as head and as tail: nothing is left out, nothing is told."""
    writer.write(60)
    assert writer.log() == ([str(number) for number in range(1, 61)], 60, False)


def test_a_line_that_is_longer_than_all_that_is_kept_stands_alone(writer: Writer) -> None:
    """The script never drops the line that it has just taken."""
    writer.write(1, size=LOG_BYTES)
    writer.write(1, size=LOG_BYTES)
    assert writer.log()[0][-1] == "2"


def test_a_live_reader_gets_every_line_once_also_those_that_are_left_out_later(writer: Writer) -> None:
    """It sees the middle as it is written; no cut is told to who has missed nothing."""
    seen: list[tuple[int, str]] = []
    for _ in range(60):
        writer.write(10)
        seen += writer.follow(seen[-1][0] if seen else 0)
    assert seen == [(number, str(number)) for number in range(1, 601)]


def test_a_reader_that_comes_back_is_told_what_it_missed_and_gets_no_line_twice(writer: Writer) -> None:
    """From each line on: in the head, in the middle that is left out, and in the tail."""
    writer.write(50)
    writer.write(250)
    whole = list(writer.follow())
    (cut,) = [number for number, word in whole if int(word) != number]
    assert dict(whole)[cut + 1] == str(cut + 1)
    for after in (0, 1, 31, 33, 40, cut - 1, cut, cut + 1, 299, 300):
        seen = list(writer.follow(after))
        assert [number for number, _ in seen] == [number for number, _ in whole if number > after]
        left_out = [(number, word) for number, word in seen if word != str(number)]
        first_kept = cut + 1
        head_end = max(number for number, _ in whole if number < cut)
        assert left_out == ([(cut, str(first_kept - max(after, head_end) - 1))] if after < cut else [])


def test_more_lines_than_are_read_at_a_time_come_in_order(writer: Writer) -> None:
    """Small lines: head and tail are each longer than one reading."""
    for _ in range(30):
        writer.write(100, size=20)
    seen = list(writer.follow())
    assert len(seen) > 3 * LINES_AT_A_TIME
    numbers = [number for number, _ in seen]
    assert numbers == sorted(set(numbers)) and numbers[-1] == 3000
    assert len([1 for number, word in seen if word != str(number)]) == 1


def test_a_log_that_is_gone_says_so(redis_client: Redis) -> None:
    """Trimmed once newer logs pushed it out; not so that of a run that said nothing, or only how far it was."""
    rig = Rig.on(redis_client, Limits(logs=1))
    first = Writer(rig)
    others = [Writer(rig, first.job_id) for _ in range(3)]
    first.write(200)
    first.end()
    rig.runs.note(others[0].run_id, others[0].token, 1, progress=(1, 2), lines=[])
    for silent in others[:2]:
        silent.end()
        assert silent.log() == ([], 0, False)
    assert first.log()[1:] == (200, False), "runs that logged nothing push no log out"
    others[2].write(1)
    others[2].end()
    assert (first.log(), others[2].log()) == (([], 0, True), (["1"], 1, False))
    news = Following(rig.scripts).news(first.run_id, 0)
    assert news is not None and news.trimmed and news.ended and not news.lines


def test_no_log_is_kept_where_none_is_wanted(redis_client: Redis) -> None:
    """`LOG_RUNS=0`: neither end of it stays behind, and that is told."""
    writer = Writer(Rig.on(redis_client, Limits(logs=0)))
    writer.write(200)
    writer.end()
    assert writer.log() == ([], 0, True)
    assert not list(redis_client.scan_iter("*:log*"))


def test_a_deleted_job_leaves_neither_end_of_a_log(writer: Writer) -> None:
    """The keys go with the job."""
    writer.write(200)
    writer.end()
    writer.rig.jobs.delete(writer.job_id)
    assert not list(writer.rig.client.scan_iter("*:log*"))


def test_a_log_of_the_release_before_is_read_as_it_is(writer: Writer) -> None:
    """One list, whose end says that it was cut, and no count of lines."""
    keys, client = writer.rig.keys, writer.rig.client
    for message in ("1", "The log is cut here."):
        client.rpush(keys.run_log(writer.run_id), json.dumps({"at": "", "level": "info", "message": message}))
    client.hset(keys.run(writer.run_id), mapping={"log_bytes": 70_000, "notes": 3})
    writer.end()
    assert writer.log() == (["1", "The"], 2, False)
    assert list(writer.follow(1)) == [(2, "The")]
    client.delete(keys.run_log(writer.run_id))
    assert writer.log() == ([], 0, True)
