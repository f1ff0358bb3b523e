"""The version of what is kept: migrated once, by one process at a time, on data of the first release."""

from __future__ import annotations

import re
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import falcon.testing
import pytest
from redis import Redis

from service.asgi import assemble
from service.bots.registry import configs, load_bots
from service.errors import StoreUnavailable, StoreUnsuitable
from service.settings import Settings
from service.store import schema
from service.store.keys import Keys
from service.store.migrations import Hold
from service.store.presence import Presence
from service.store.rq_records import make_scripts
from service.store.schema import SchemaWatch, ensure_schema, newest
from service.store.scripts import Limits
from service.usecases.runs import Runs
from tests.process.plugins.probe_bots import ProbeBot
from tests.support.dumps import load
from tests.support.installation import Installation, running
from tests.support.migrating import NOTES, mark_jobs, start_migrating
from tests.support.processes import until
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import Rig

FIXTURE = Path(__file__).parent / "fixtures" / "version_1.jsonl"
JOBS, CONTACTS = 8, 5


@pytest.fixture
def first_release(redis_client: Redis) -> Redis:
    """What an installation of the first release left behind."""
    load(redis_client, FIXTURE.read_text().splitlines())
    return redis_client


@pytest.fixture
def second_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is of a release that has a migration."""
    monkeypatch.setattr(schema, "MIGRATIONS", (mark_jobs,))


def marked(client: Redis, keys: Keys) -> int:
    """How many jobs have been migrated."""
    jobs: Any = client.zrange(keys.jobs, 0, -1)
    return sum(client.hget(keys.job(job.decode()), "marked") == b"2" for job in jobs)


def version(client: Redis, keys: Keys) -> int | None:
    """The version that is noted down."""
    found = client.get(keys.schema_version)
    return None if found is None else int(found)


# What is found


def test_what_the_first_release_kept_is_read(first_release: Redis, valkey_server: ValkeyServer, keys: Keys) -> None:
    """Jobs of each kind, people, and runs in every state, through the API of this release."""
    settings = Settings.model_validate({"redis_url": valkey_server.url, "api_key": "k"})
    api = falcon.testing.TestClient(assemble(settings), headers={"X-API-Key": "k"})
    jobs = api.simulate_get("/scheduler/jobs").json
    assert len(jobs) == JOBS and {job["schedule_type"] for job in jobs} == {"daily", "weekly", "interval", "cron"}
    assert {job["bot_type"] for job in jobs} == {"birthday", "visitor", "contacts_sync", "probe"}
    assert len(api.simulate_get("/scheduler/contacts").json) == CONTACTS
    runs = api.simulate_get("/scheduler/runs").json
    assert {run["status"] for run in runs} == {"success", "failed", "cancelled", "queued"}
    assert version(first_release, keys) == newest()
    assert all(api.simulate_get(f"/scheduler/jobs/{job['id']}/history").status_code == 200 for job in jobs)


def test_a_fresh_installation_is_of_the_newest_version(redis_client: Redis, keys: Keys, second_version: None) -> None:
    """Nothing is migrated; what processes say of themselves, and other applications' keys, are no data."""
    Presence(make_scripts(redis_client, keys, Limits())).hold_lead("a scheduler", 1)
    redis_client.set("another", "application's")
    ensure_schema(redis_client, keys)
    assert (version(redis_client, keys), redis_client.exists(NOTES)) == (2, 0)


def test_a_data_set_that_was_lost_is_not_migrated(redis_client: Redis, keys: Keys, second_version: None) -> None:
    """A process notices that all is gone, and tells, before another one finds no version."""
    remembers = make_scripts(redis_client, keys, Limits())
    remembers.look_at_data("watch_data")
    redis_client.flushall()
    remembers.look_at_data("watch_data")
    assert redis_client.exists(keys.alerts_service) == 1
    ensure_schema(redis_client, keys)
    assert (version(redis_client, keys), redis_client.exists(NOTES)) == (2, 0)


def test_data_without_a_version_is_of_the_first(first_release: Redis, keys: Keys, second_version: None) -> None:
    """An older copy was restored, or the key was lost: it is migrated before anything is written."""
    first_release.delete(keys.schema_version)
    ensure_schema(first_release, keys)
    assert (version(first_release, keys), marked(first_release, keys)) == (2, JOBS)


@pytest.mark.parametrize("kept", ["ledger", "memory", "visits"])
def test_any_data_without_a_version_is_of_the_first(
    redis_client: Redis, keys: Keys, monkeypatch: pytest.MonkeyPatch, kept: str
) -> None:
    """Also if no job and nobody is there any more: what was sent to whom is still known."""
    redis_client.set(f"{keys.prefix}:{kept}:birthday:somebody:2026", "sent")
    done: list[int] = []
    monkeypatch.setattr(schema, "MIGRATIONS", (lambda *_: done.append(1),))
    ensure_schema(redis_client, keys)
    assert (version(redis_client, keys), done) == (2, [1])


def test_a_lower_version_is_migrated_step_by_step(
    first_release: Redis, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In order, each once, and not again at the next start; one that fails is begun anew, those before it are not."""
    done: list[int] = []
    broken = True

    def third(client: Redis, keys: Keys, hold: Hold) -> None:
        done.append(3)
        if broken:
            raise RuntimeError("a defect")

    monkeypatch.setattr(schema, "MIGRATIONS", (lambda *_: done.append(1), lambda *_: done.append(2), third))
    with pytest.raises(RuntimeError):
        ensure_schema(first_release, keys)
    assert (version(first_release, keys), first_release.exists(keys.schema_lock)) == (3, 0)
    broken = False
    for _ in range(2):
        ensure_schema(first_release, keys)
    assert (version(first_release, keys), done) == (4, [1, 2, 3, 3])


def test_the_log_says_when_a_migration_begins_and_ends(
    first_release: Redis, keys: Keys, second_version: None, caplog: pytest.LogCaptureFixture
) -> None:
    """An operator who waits for it sees that it is under way, and how long it took; later starts say nothing."""
    caplog.set_level("INFO", "service.store.schema")
    ensure_schema(first_release, keys)
    began, ended = caplog.messages
    assert began == "Migrating the data in Redis to schema version 2; nothing new starts meanwhile"
    assert re.fullmatch(r"The data in Redis has schema version 2 now, after \d+\.\d s", ended)
    ensure_schema(first_release, keys)
    assert len(caplog.messages) == 2


def test_a_newer_version_is_refused(first_release: Redis, keys: Keys) -> None:
    """Both versions are named, and what to do; nothing is written."""
    first_release.set(keys.schema_version, newest() + 1)
    with pytest.raises(StoreUnsuitable, match=rf"version {newest() + 1}.*knows {newest()}.*newer release"):
        ensure_schema(first_release, keys)
    assert version(first_release, keys) == newest() + 1


def test_a_repeated_look_costs_one_read(first_release: Redis, keys: Keys, second_version: None) -> None:
    """So that it can be called whenever there is a doubt."""
    ensure_schema(first_release, keys)
    before = first_release.info("commandstats")
    for _ in range(10):
        ensure_schema(first_release, keys)
    after = first_release.info("commandstats")
    calls = {name: after[name]["calls"] - before.get(name, {"calls": 0})["calls"] for name in after}
    assert {name: count for name, count in calls.items() if count and "info" not in name} == {"cmdstat_get": 10}


# The lock


def test_the_lease_of_a_migration_is_30_seconds_and_renewed(
    first_release: Redis, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the migration, between its steps; it is gone afterwards."""
    left: list[int] = []

    def step(client: Redis, keys: Keys, hold: Hold) -> None:
        left.append(int(client.pttl(keys.schema_lock)))
        client.pexpire(keys.schema_lock, 1_000)
        hold()
        left.append(int(client.pttl(keys.schema_lock)))

    monkeypatch.setattr(schema, "MIGRATIONS", (step,))
    ensure_schema(first_release, keys)
    assert [round(ms / 10_000) for ms in left] == [3, 3] and max(left) <= 30_000
    assert not first_release.exists(keys.schema_lock)


def test_who_has_lost_the_lock_changes_nothing_more(
    first_release: Redis, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the version nor the lock, which is another's by then."""

    def stolen(client: Redis, keys: Keys, hold: Hold) -> None:
        client.set(keys.schema_lock, "another's", px=30_000)
        hold()

    for migration in (stolen, lambda client, keys, hold: client.set(keys.schema_lock, "another's", px=30_000)):
        first_release.delete(keys.schema_lock)
        monkeypatch.setattr(schema, "MIGRATIONS", (migration,))
        with pytest.raises(StoreUnavailable, match="taken over"):
            ensure_schema(first_release, keys)
        assert (version(first_release, keys), first_release.get(keys.schema_lock)) == (1, b"another's")
        with pytest.raises(StoreUnavailable, match="migrating"):
            ensure_schema(first_release, keys)


@pytest.mark.slow(reason="two processes start")
def test_two_processes_at_once_migrate_once(first_release: Redis, valkey_server: ValkeyServer, keys: Keys) -> None:
    """Both go on when it is done; each job was migrated by one of them."""
    both = [start_migrating("mark_jobs", valkey_server) for _ in range(2)]
    for process in both:
        process.communicate(timeout=60)
    assert [process.returncode for process in both] == [0, 0]
    steps = [note.split() for note in first_release.lrange(NOTES, 0, -1)]
    assert len({pid for pid, _ in steps}) == 1 and len(steps) == JOBS
    assert (version(first_release, keys), marked(first_release, keys)) == (2, JOBS)


@pytest.mark.slow(reason="two processes start")
def test_one_that_is_killed_within_it_is_taken_over(
    first_release: Redis, valkey_server: ValkeyServer, keys: Keys
) -> None:
    """Once its lease has ended, and no earlier: the other one does all of it."""
    dying = start_migrating("mark_jobs", valkey_server, dies_at=4)
    until(lambda: first_release.llen(NOTES) >= 3, 30)
    assert dying.wait(30) == -signal.SIGKILL
    assert (version(first_release, keys), marked(first_release, keys)) == (1, 3)
    other = start_migrating("mark_jobs", valkey_server)
    assert other.stdout is not None and "Another process is migrating" in other.stdout.readline()
    assert first_release.llen(NOTES) == 3
    assert 0 < first_release.pttl(keys.schema_lock) <= 30_000
    first_release.pexpire(keys.schema_lock, 1)  # as 30 s later
    other.communicate(timeout=60)
    assert (other.returncode, first_release.llen(NOTES)) == (0, 3 + JOBS)
    assert (version(first_release, keys), marked(first_release, keys)) == (2, JOBS)
    dying.communicate()


# A newer release comes while this one runs


def test_a_running_process_looks_every_5_seconds(first_release: Redis, keys: Keys) -> None:
    """One read at a time, and it goes on once the version is its own again."""
    now = 100.0
    watch = SchemaWatch(first_release, keys, lambda: now)
    watch.check()
    first_release.set(keys.schema_version, newest() + 1)
    now = 104.9
    watch.check()
    now = 105.0
    with pytest.raises(StoreUnsuitable, match=f"version {newest() + 1}"):
        watch.check()
    now = 109.9
    with pytest.raises(StoreUnsuitable, match=f"version {newest() + 1}"):
        watch.check()
    first_release.set(keys.schema_version, newest())
    now = 110.0
    watch.check()
    first_release.set(keys.schema_lock, "a newer release's", px=30_000)
    now = 115.0
    with pytest.raises(StoreUnavailable, match="migrating"):
        watch.check()


@pytest.fixture
def older(tmp_path: Path) -> Iterator[Installation]:
    """An installation of this release, running."""
    with running(tmp_path) as installed:
        yield installed


@pytest.mark.slow(reason="a whole installation starts, and looks every 5 s")
def test_running_processes_notice_a_newer_release(older: Installation, tmp_path: Path) -> None:
    """They take up nothing new and say so; what is under way ends, and all go on if the newer release goes again."""
    told = tmp_path / "told"
    told.write_text("begun\n")
    job = older.make_job(bot_config={"tells": str(told)})
    under_way = older.run_now(job)
    older.until_status(job, under_way, "running")
    older.client.set(older.keys.schema_version, newest() + 1)

    def refused() -> bool:
        status, answer = older.call("PUT", f"/jobs/{job}", {"description": uuid.uuid4().hex})
        return status == 503 and f"version {newest() + 1}" in answer["detail"]

    until(refused, 30)
    for name in ("scheduler", "worker"):
        until(lambda name=name: f"version {newest() + 1}" in older.log(name), 30)  # type: ignore[misc]
    assert older.call("GET", f"/jobs/{job}")[0] == 200
    told.write_text("begun\nend\n")
    older.until_status(job, under_way, "success")
    until(lambda: not [client for client in older.client.client_list() if "b" in client["flags"]], 60)
    waiting = _enqueue(older, job)  # no worker is waiting for it
    assert older.run(job, waiting)["status"] == "queued"
    assert older.client.lrange(older.keys.rq_queue, 0, -1) == [waiting.encode()]
    older.client.set(older.keys.schema_version, newest())
    older.until_status(job, waiting, "success")
    for name in ("web", "scheduler", "worker"):
        assert "Traceback" not in older.log(name)


def _enqueue(installed: Installation, job_id: str) -> str:
    """As a process of the newer release does."""
    scripts = Rig.on(installed.client).scripts
    return Runs(scripts, configs(load_bots() | {"probe": ProbeBot})).run_now(job_id)
