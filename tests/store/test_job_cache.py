"""Lists are never older than their request, though job views are cached."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis
from redis.exceptions import ConnectionError

from service.domain.run_records import Outcome
from service.errors import StoreUnavailable
from service.settings import Settings
from service.store.jobs import job_cache
from service.store.jobs.job_rows import JobFilter
from service.store.jobs.listing import Listing
from service.store.server.connection import WebRedis, connect
from service.store.server.exchange import exchange, packed
from service.usecases.pauses import Pauses
from tests.support.looping import Looping
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import Rig

EVERYONE = JobFilter()


@pytest.fixture
def loop() -> Iterator[Looping]:
    """A running event loop."""
    with Looping() as running:
        yield running


class Reader:
    """The listing of a web process, another one than the one that changes jobs.

    Args:
        loop: its event loop.
        url: its REDIS_URL.
        in_threads: whether its lists are asked for from threads, as pages and exports are.
    """

    def __init__(self, loop: Looping, url: str, in_threads: bool = False) -> None:
        client = connect(Settings.model_validate({"redis_url": url}), "web")
        assert isinstance(client, WebRedis)
        self.loop = loop
        self.client = client
        self.listing = Listing(Rig.on(client).scripts)
        self.cache = self.listing._cache
        self._call = loop.in_thread if in_threads else loop.interleaved

    def close(self) -> None:
        """Close its connections."""
        for client in (self.client, self.lists):
            self.loop.interleaved(client.shared.close)
        self.client.close()

    @property
    def lists(self) -> WebRedis:
        """The client of the lists' own connection."""
        client = self.cache.scripts.client
        assert isinstance(client, WebRedis)
        return client

    def jobs(self) -> list[Any]:
        """The listed jobs."""
        return [json.loads(job) for job in self._call(everything, self.listing)]

    def names(self) -> list[str]:
        """Their names."""
        return [job["name"] for job in self.jobs()]

    def page(self) -> list[Any]:
        """The first page's jobs."""
        jobs, _ = self._call(self.listing.page, 50, None)
        return [json.loads(job) for job in jobs]


def everything(listing: Listing) -> list[bytes]:
    """All jobs, JSON."""
    return [job for chunk in listing.all(EVERYONE) for job in chunk]


@pytest.fixture(params=[False, True], ids=["on the loop", "in threads"])
def reader(
    request: pytest.FixtureRequest, redis_client: Redis, loop: Looping, valkey_server: ValkeyServer
) -> Iterator[Reader]:
    """A reader whose lists are asked for on the event loop, and one whose lists are asked for in threads."""
    reading = Reader(loop, valkey_server.url, request.param)
    yield reading
    reading.close()


def reads(rig: Rig) -> int:
    """How many hashes were read since the server's statistics were reset."""
    stats: Any = rig.client.info("commandstats")
    return int(stats.get("cmdstat_hmget", {"calls": 0})["calls"])


def connections(rig: Rig) -> int:
    """How many connections of web processes the server has."""
    return sum(entry["name"] == "bot-scheduler-web" for entry in rig.client.client_list())


def test_what_has_not_changed_is_not_read_again(rig: Rig, reader: Reader) -> None:
    """After a change of one job in twenty, one job is read."""
    ids = [rig.make_job(name=f"job {number}") for number in range(20)]
    expected = reader.names()
    rig.client.config_resetstat()
    assert (reader.names(), reads(rig)) == (expected, 0)
    rig.client.hset(rig.keys.job(ids[7]), "name", "another")
    expected[7] = "another"
    assert (reader.names(), reads(rig)) == (expected, 1)
    assert (reader.names(), reads(rig)) == (expected, 1)


def test_every_kind_of_change_is_in_the_next_list(rig: Rig, reader: Reader) -> None:
    """Creating, changing, switching, running, deciding, deleting: what another process did before is seen."""
    job_id = rig.make_job()
    rig.make_job(name="neighbour")
    steps = [
        lambda: rig.jobs.update(job_id, {"name": "b"}),
        lambda: rig.jobs.toggle(job_id, {"enabled": False}),
        lambda: rig.jobs.toggle(job_id, {"enabled": True}),
        lambda: rig.runs.finish(run_id := rig.use.run_now(job_id), rig.start(run_id), Outcome("failed", "no")),
        lambda: (rig.pretend_due(job_id, 1), rig.scheduler().enqueue_jobs()),
        lambda: rig.make_job(name="new"),
        lambda: rig.jobs.delete(job_id),
        lambda: rig.client.flushall(),
        lambda: rig.make_job(name="after the flood"),
    ]
    before = reader.page()
    for step in steps:
        step()  # type: ignore[no-untyped-call]
        after = reader.page()
        assert after == [rig.jobs.get(job["id"]).data for job in after]
        assert after != before
        before = after
    assert [job["name"] for job in before] == ["after the flood"]


def test_a_connection_that_broke_is_made_again_and_nothing_old_is_shown(rig: Rig, reader: Reader) -> None:
    """What changed while nobody could be told is read again."""
    job_id = rig.make_job(name="a")
    assert reader.names() == ["a"]
    rig.client.client_kill_filter(_type="normal", skipme=True)
    rig.client.hset(rig.keys.job(job_id), "name", "b")
    assert reader.names() == ["b"]
    rig.client.hset(rig.keys.job(job_id), "name", "c")
    assert reader.names() == ["c"]


def test_a_store_that_was_emptied_and_filled_again_is_read_again(rig: Rig, reader: Reader) -> None:
    """Nothing that was kept comes back, though it has the ids that it had."""
    job_id = rig.make_job(name="a")
    fields: Any = rig.client.hgetall(rig.keys.job(job_id))
    assert reader.names() == ["a"]
    rig.client.flushall()
    rig.client.hset(rig.keys.job(job_id), mapping={**fields, b"name": b"b"})
    rig.client.zadd(rig.keys.jobs, {job_id: 1})
    assert reader.names() == ["b"]


def test_messages_that_piled_up_are_taken_before_the_answer(rig: Rig, reader: Reader) -> None:
    """Thousands of changes between two lists neither break the reading nor are forgotten."""
    ids = [rig.make_job(name="a") for _ in range(1500)]
    assert reader.names() == ["a"] * 1500
    pipeline = rig.client.pipeline(transaction=False)
    for job_id in ids:
        pipeline.hset(rig.keys.job(job_id), "name", "b")
    pipeline.execute()
    assert reader.names() == ["b"] * 1500


def test_no_more_than_so_many_are_kept(rig: Rig, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are read each time, and long ones too; all are shown."""
    monkeypatch.setattr(job_cache, "KEPT", 3)
    monkeypatch.setattr(job_cache, "KEPT_BYTES", 1000)
    rig.make_job(name="long", description="x" * 500)
    for number in range(5):
        rig.make_job(name=str(number))
    for _ in range(3):
        assert reader.names() == ["long", "0", "1", "2", "3", "4"]
    assert len(reader.cache._kept) == 3


def test_where_tracking_is_not_allowed_lists_are_read_whole(
    rig: Rig, loop: Looping, valkey_server: ValkeyServer
) -> None:
    """And tell the same."""
    rig.client.acl_setuser(
        "plain", enabled=True, nopass=True, keys=["*"], channels=["*"], commands=["+@all", "-client|tracking"]
    )
    list_without_tracking(rig, Reader(loop, valkey_server.url.replace("//", "//plain:x@")))
    rig.client.acl_deluser("plain")


def test_where_redis_has_no_command_client_lists_are_read_whole(loop: Looping, tmp_path: Path) -> None:
    """Some managed services rename it away."""
    quiet = ("--appendonly", "no", "--rename-command", "CLIENT", "")
    with ValkeyServer(tmp_path, *quiet) as server, server.client() as client:
        list_without_tracking(Rig.on(client), Reader(loop, server.url))


def list_without_tracking(rig: Rig, reader: Reader) -> None:
    """Check that lists tell the truth though Redis reports no changes. Close the reader."""
    job_id = rig.make_job(name="a")
    assert reader.names() == ["a"]
    assert reader.cache.refused and not reader.cache._kept
    rig.client.hset(rig.keys.job(job_id), "name", "b")
    assert reader.names() == ["b"]
    reader.close()


def test_without_an_event_loop_lists_are_read_whole(rig: Rig, reader: Reader) -> None:
    """A plain thread, and a process other than the web's, read without the cache."""
    rig.make_job(name="a")
    for listing in (reader.listing, Listing(rig.scripts)):
        assert [json.loads(job)["name"] for job in everything(listing)] == ["a"]
        assert not listing._cache._kept
    assert Listing(rig.scripts)._cache.refused


def test_pauses_are_read_again_when_they_have_changed(rig: Rig, reader: Reader) -> None:
    """Until then, a list asks for nothing but the ids; the first list after a change shows it."""
    job_id, _ = rig.make_job(labels={"team": "crm"}), rig.make_job()
    use = Pauses(rig.scripts, ("echo",))
    assert ["paused" in job for job in reader.jobs()] == [False, False]
    rig.client.config_resetstat()
    for _ in range(3):
        reader.jobs()
        reader.page()
    stats: Any = rig.client.info("commandstats")
    assert {"cmdstat_hvals", "cmdstat_time", "cmdstat_hmget"} & set(stats) == set()
    first = use.create({"scope": {"label": {"team": "crm"}}, "reason": "a test"})["id"]
    assert [job.get("paused") for job in reader.jobs()] == [[first], None]
    every = use.create({"scope": "all", "reason": "a test", "on_resume": "all"})["id"]
    assert [job.get("paused") for job in reader.page()] == [[first, every], [every]]
    use.end(first)
    assert [job.get("paused") for job in reader.jobs()] == [[every], [every]]
    rig.client.delete(rig.keys.pauses)
    rig.client.set(rig.keys.pauses, "made by outside hands")
    assert [job.get("paused") for job in reader.jobs()] == [None, None]
    assert job_id in [job["id"] for job in reader.jobs()]


def test_redis_reports_only_keys_that_lists_have_read(rig: Rig, reader: Reader) -> None:
    """Other keys that a list reads cost Redis no memory for tracking."""
    for number in range(3):
        rig.make_job(name=str(number))
    reader.names()
    stats: Any = rig.client.info("stats")
    assert stats["tracking_total_keys"] == 3 + 1  # the pauses


def test_what_was_answered_is_listed_whoever_lists_and_whatever_happens_meanwhile(
    rig: Rig, reader: Reader, valkey_server: ValkeyServer
) -> None:
    """Four threads change jobs of their own; each finds its change in the list right after."""
    wrong: list[str] = []

    def change(number: int) -> None:
        mine = Rig.on(valkey_server.client())
        job_id = mine.make_job(name=f"{number}:0")
        for turn in range(1, 60):
            mine.jobs.update(job_id, {"name": f"{number}:{turn}"})
            if f"{number}:{turn}" not in reader.names():
                wrong.append(f"{number}:{turn}")

    threads = [threading.Thread(target=change, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert sorted(reader.names()) == [f"{number}:59" for number in range(4)]


def test_no_connection_is_made_before_the_first_list(rig: Rig, reader: Reader) -> None:
    """Lists have one of their own from then on."""
    reader.loop.interleaved(reader.listing.one, rig.make_job())
    before = connections(rig)
    reader.names()
    reader.names()
    assert connections(rig) == before + 1


# Races. What is sent in one turn of the loop goes out together, so a change stands right behind the question for a job:
# Redis answers with the old view, and the report of the change comes before anybody has read the answer.


def written(reader: Reader, *commands: Sequence[str]) -> None:
    """Send commands on the connection of the lists, within an interleaved call."""
    exchange(reader.lists, [packed(*command) for command in commands])


@pytest.fixture
def racing(redis_client: Redis, loop: Looping, valkey_server: ValkeyServer) -> Iterator[Reader]:
    """A reader on the event loop."""
    reading = Reader(loop, valkey_server.url)
    yield reading
    reading.close()


@pytest.mark.parametrize("change", ["changed", "flushed"])
def test_a_change_between_the_question_for_a_job_and_its_answer_is_in_the_next_list(
    rig: Rig, racing: Reader, change: str
) -> None:
    """Whether Redis reports the job or, after FLUSHALL, all keys at once."""
    job_id = rig.make_job(name="old")
    key = rig.keys.job(job_id)
    restored = [str(part) for pair in text(rig.client.hgetall(key)).items() for part in pair]
    commands = {
        "changed": [["HSET", key, "name", "new"]],
        "flushed": [["FLUSHALL"], ["HSET", key, *restored, "name", "new"], ["ZADD", rig.keys.jobs, "1", job_id]],
    }[change]
    old, _ = racing.loop.together(
        [lambda: racing.cache.show(lambda _: (None, [job_id.encode()])), lambda: written(racing, *commands)]
    )
    assert json.loads(old[1][0])["name"] == "old"
    assert racing.names() == ["new"]


def text(fields: Any) -> dict[str, str]:
    """The fields of a hash."""
    return {name.decode(): value.decode() for name, value in fields.items()}


STEPS = st.tuples(
    st.sampled_from(["list", "read", "write", "write elsewhere", "delete", "restore", "flush", "break"]),
    st.integers(0, 2),
    st.integers(0, 2),
)
"""What to do, with which job, after how many round trips."""
TURNS = st.lists(st.lists(STEPS, min_size=2, max_size=12), min_size=1, max_size=5)


LOST = (StoreUnavailable, ConnectionError)
"""The outcome of a step whose connection another step broke."""


class Race:
    """Readers and writers that take turns on one event loop.

    Args:
        rig: for jobs.
        reader: the web process.
    """

    def __init__(self, rig: Rig, reader: Reader) -> None:
        self._rig, self._reader = rig, reader
        self._ids = [rig.make_job(name="0") for _ in range(3)]
        self._hashes = [text(rig.client.hgetall(rig.keys.job(job_id))) for job_id in self._ids]
        self._version = 0

    def step(self, what: str, number: int, trips: int) -> None:
        """Take a step, within an interleaved call."""
        for _ in range(trips):
            written(self._reader, ["PING"])
        self._version += 1
        if what == "list":
            everything(self._reader.listing)
        elif what == "read":
            self._reader.cache.show(lambda _: (None, [self._ids[number].encode()]))
        elif what == "break":
            written(self._reader, ["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no"])
        elif what == "write elsewhere":
            exchange(self._reader.client, [packed(*command) for command in self._restoration(number)])
        else:
            first = {"write": [], "delete": [], "restore": [["DEL", self._key(number)]], "flush": [["FLUSHALL"]]}[what]
            then = [["DEL", self._key(number)]] if what == "delete" else self._restoration(number)
            written(self._reader, *first, *then)

    def _restoration(self, number: int) -> list[list[str]]:
        fields = [part for pair in (self._hashes[number] | {"name": str(self._version)}).items() for part in pair]
        return [["HSET", self._key(number), *fields], ["ZADD", self._rig.keys.jobs, str(number), self._ids[number]]]

    def _key(self, number: int) -> str:
        return self._rig.keys.job(self._ids[number])

    def truth(self) -> list[str]:
        """The names of the jobs that there are, read without a cache."""
        return [json.loads(job)["name"] for job in everything(Listing(self._rig.scripts))]


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TURNS)
def test_after_any_race_of_readers_and_writers_the_next_list_is_true(
    rig: Rig, racing: Reader, turns: list[list[tuple[str, int]]]
) -> None:
    """Each turn's steps begin together; after each turn, the list tells what a plain read tells."""
    rig.client.flushall()
    race = Race(rig, racing)
    for turn in turns:
        outcomes = racing.loop.together([partial(race.step, *step) for step in turn])
        assert [outcome for outcome in outcomes if outcome and not isinstance(outcome, LOST)] == []
        assert racing.names() == race.truth()
