"""Data that went back: noticed by whoever remembers it, recorded and told once. On a real server."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from service.scheduler.scheduler import Scheduler
from service.store.presence import Presence
from service.store.scripts import Scripts
from service.store.server import startup_checks
from service.store.server.data_memory import DataMemory
from service.store.server.redis_clock import RedisClock
from service.usecases.health import Health
from service.usecases.jobs import Jobs
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import EchoConfig, Rig


def beaten(rig: Rig, times: int = 3) -> Scheduler:
    """A scheduler that leads and has seen so many heartbeats."""
    scheduler = rig.scheduler()
    for _ in range(times):
        scheduler.heartbeat()
    return scheduler


PARTS = ("leader", "stand-by", "worker", "web")


class Up:
    """Every part of an installation is up, and has looked."""

    def __init__(self, rig: Rig) -> None:
        self.leader = beaten(rig)
        self.stand_by = rig.scheduler()
        self.worker = Presence(replace(rig.scripts, data=DataMemory()))
        self.web = replace(rig.scripts, data=DataMemory(looks=True))
        self.look(*PARTS)

    def look(self, *parts: str) -> None:
        """These do what they do all the time."""
        for part in parts:
            match part:
                case "leader":
                    self.leader.heartbeat()
                case "stand-by":
                    self.stand_by.heartbeat()
                case "worker":
                    self.worker.beat_worker("w")
                case _:
                    a_second_passes(self.web)
                    Health(self.web).now()


def a_second_passes(web: Scripts) -> None:
    """It is time for a web process to look again."""
    web.data._next_look = 0.0


@pytest.mark.parametrize("first", PARTS)
def test_a_flushall_is_noticed_by_each_part_and_told_once(rig: Rig, first: str) -> None:
    """Whoever looks first records it; nobody tells it again, and health says it until it is acknowledged."""
    up = Up(rig)
    assert rig.health.now()["data_went_back"] is None
    rig.client.flushall()
    up.look(first, *PARTS, *PARTS)
    (alert,) = rig.told()
    assert (alert["kind"], alert["seen"]) == ("data_went_back", "other")
    assert "another data set" in rig.health.now()["data_went_back"]["detail"]
    assert rig.health.now()["status"] == "healthy"
    assert "another data set" in rig.health.acknowledge()["data_went_back"]["detail"]
    up.look(*PARTS)
    assert rig.health.now()["data_went_back"] is None
    assert rig.told() == []


@pytest.mark.parametrize("first", PARTS)
def test_an_older_file_that_was_restored_is_noticed_by_each_part_and_told_once(rig: Rig, first: str) -> None:
    """The number is lower than what was seen."""
    up = Up(rig)
    older = {key: rig.client.dump(key) or b"" for key in rig.client.keys("*")}
    job_id = rig.make_job()
    for _ in range(5):
        up.leader.heartbeat()
    up.look(*PARTS)
    rig.client.flushall()
    for key, value in older.items():
        rig.client.restore(key, 0, value)
    up.look(first, *PARTS, *PARTS)
    (alert,) = rig.told()
    assert alert["seen"] == "older" and 1 <= alert["beats"] <= 7
    assert "went back by about" in rig.health.now()["data_went_back"]["detail"]
    assert not rig.client.exists(rig.keys.job(job_id))


def test_a_second_loss_is_told_as_well(rig: Rig) -> None:
    """Also before the first is acknowledged."""
    up = Up(rig)
    for _ in range(2):
        rig.client.flushall()
        up.look(*PARTS)
        assert len(rig.told()) == 1


def test_the_leaders_own_heartbeats_do_not_hide_a_small_loss(rig: Rig) -> None:
    """What it wrote last is gone: it looks before it raises the number again."""
    scheduler = beaten(rig)
    rig.client.hincrby(rig.keys.data, "beat", -1)
    scheduler.heartbeat()
    (alert,) = rig.told()
    assert (alert["seen"], alert["beats"]) == ("older", 1)


def test_nothing_is_told_while_all_goes_well(rig: Rig) -> None:
    """Heartbeats, a change of the leader, new processes, a scheduler of an older release that raises nothing."""
    up = Up(rig)
    for _ in range(3):
        up.look(*PARTS)
    rig.client.delete(rig.keys.leader)
    up.look("stand-by", "leader", "worker", "web")
    Up(rig)
    assert rig.told() == []
    assert rig.health.now()["data_went_back"] is None


def test_a_redis_that_was_killed_and_kept_everything_raises_no_alarm(durable_server: ValkeyServer) -> None:
    """Its append-only file holds every heartbeat that was answered."""
    rig = Rig.on(durable_server.client())
    up = Up(rig)
    durable_server.kill()
    durable_server.start()
    up.look(*PARTS)
    assert rig.told() == []


def test_a_redis_that_was_started_on_an_older_file_is_noticed(durable_server: ValkeyServer, tmp_path: Path) -> None:
    """Its files were copied aside, and put back later."""
    rig = Rig.on(durable_server.client())
    up = Up(rig)
    files, aside = tmp_path / "appendonlydir", tmp_path / "aside"
    shutil.copytree(files, aside)
    for _ in range(4):
        up.leader.heartbeat()
    durable_server.kill()
    shutil.rmtree(files)
    aside.rename(files)
    durable_server.start()
    up.leader.heartbeat()
    (alert,) = rig.told()
    assert (alert["seen"], alert["beats"]) == ("older", 4)


@pytest.mark.slow(reason="a replica catches up, twice")
def test_a_fail_over_that_lost_nothing_raises_no_alarm_and_one_that_lost_a_little_does(tmp_path: Path) -> None:
    """A replica that kept up is promoted, then one that did not."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    primary, standby = ValkeyServer(tmp_path / "one"), ValkeyServer(tmp_path / "two")
    try:
        rig = Rig.on(primary.client())
        scheduler = beaten(rig)
        standby.client().replicaof("127.0.0.1", primary.port)
        while not standby.client().exists(rig.keys.data):
            scheduler.heartbeat()
        scheduler.heartbeat()
        assert rig.client.wait(1, 5_000) == 1
        primary_memory = scheduler._scripts.data
        standby.client().replicaof("NO", "ONE")
        promoted = Rig.on(standby.client())
        promoted.client.delete(promoted.keys.leader)
        kept_up = promoted.scheduler()
        kept_up._scripts.data = primary_memory
        kept_up.heartbeat()
        assert promoted.told() == []
        # The old primary lags behind by that heartbeat and a few more.
        kept_up.heartbeat()
        scheduler._scripts.data = kept_up._scripts.data
        scheduler.heartbeat()
        (alert,) = rig.told()
        assert (alert["seen"], alert["beats"]) == ("older", 2)
    finally:
        primary.stop()
        standby.stop()


def test_a_process_that_notices_checks_again_and_shows_no_job_that_is_gone(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a web process kept of jobs is void, and the schema's version is looked at anew."""
    checks: list[None] = []
    monkeypatch.setattr(startup_checks, "check_at_startup", lambda *_: checks.append(None))
    gate = startup_checks.StartupChecks(rig.client, rig.keys)
    scripts = replace(rig.scripts, gate=gate, went_back=gate.start_over, data=DataMemory(looks=True))
    jobs = Jobs(scripts, RedisClock(rig.client), {"echo": EchoConfig})
    beaten(rig)
    rig.make_job(name="gone soon")
    assert [job["name"] for job in jobs.list(limit=10, cursor=None).data] == ["gone soon"]
    before = len(checks)
    rig.client.flushall()
    a_second_passes(scripts)
    assert list(jobs.list(limit=10, cursor=None).data) == []
    Health(scripts).now()
    assert (before, len(checks), scripts.data.times_back) == (1, 2, 1)


def test_the_version_of_the_schema_comes_back_after_a_flushall(rig: Rig) -> None:
    """Written by the scheduler that notices, before it goes on."""
    scheduler = beaten(rig)
    rig.client.flushall()
    scheduler.heartbeat()
    scheduler.enqueue_jobs()
    assert rig.client.exists(rig.keys.schema_version)


def test_a_full_redis_lets_an_acknowledgement_through(rig: Rig) -> None:
    """It frees memory first."""
    up = Up(rig)
    rig.client.flushall()
    up.leader.heartbeat()
    rig.client.config_set("maxmemory", "1")
    try:
        assert rig.health.acknowledge()["data_went_back"] is not None
    finally:
        rig.client.config_set("maxmemory", "0")
    assert rig.health.now()["data_went_back"] is None
