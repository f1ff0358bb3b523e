"""Watermark: who is told when Redis' memory becomes scarce, and what is refused then."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import falcon.testing
import pytest

from service.alerting.alert_texts import words_of_the_service
from service.asgi import assemble
from service.cli.doctor.redis_checks import check_redis
from service.domain.run_records import Outcome
from service.domain.status import memory_in_use, memory_level
from service.errors import StoreFull
from service.settings import Settings
from service.store.outbox import Outbox, facts
from service.store.watermark import level, note_memory, usage
from service.usecases.contacts import ContactBook
from service.usecases.definitions import Definitions
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import EchoConfig, Rig

pytestmark = pytest.mark.processes

MOST = 64 * 2**20
JOB = {"name": "a job", "bot_type": "visitor", "schedule_type": "interval", "schedule_config": {"minutes": 1}}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A server with little memory."""
    with ValkeyServer(tmp_path, "--appendonly", "no", "--maxmemory", str(MOST)) as server:
        yield server


def fill(rig: Rig, share: float) -> None:
    """Has the server use this share of its memory, and its scheduler look."""
    while (usage_of := usage(rig.client.info("memory")))[0] < share * usage_of[1]:
        rig.client.setrange(f"filling:{rig.client.dbsize()}", 90_000, b"x")
    note_memory(rig.scripts)


def empty(rig: Rig) -> None:
    """Frees the memory again."""
    for name in list(rig.client.scan_iter("filling*", count=1000)):
        rig.client.delete(name)
    note_memory(rig.scripts)


@pytest.mark.parametrize(
    ("share", "before", "after"),
    [
        (0.89, "", ""), (0.9, "", "high"), (0.96, "", "high"), (0.97, "", "full"), (1.2, "high", "full"),
        (0.96, "full", "high"), (0.86, "high", "high"), (0.86, "full", "high"), (0.84, "high", ""), (0.1, "full", ""),
    ],
)  # fmt: skip
def test_the_level_rises_at_90_and_97_percent_and_ends_below_85(share: float, before: str, after: str) -> None:
    """So memory around 90 % raises one alert."""
    assert memory_level(int(share * 1000), 1000, before) == after  # type: ignore[arg-type]
    assert memory_level(int(share * 1000), 0, before) == ""  # type: ignore[arg-type]
    assert f"uses {round(share * 100)}% of its maxmemory" in memory_in_use(round(share * 1000) + 9, 1000)


def test_a_scarce_memory_is_told_once_and_so_is_its_end(server: ValkeyServer) -> None:
    """At 90 % somebody is told; nothing is refused yet."""
    rig = Rig.on(server.client())
    fill(rig, 0.5)
    assert rig.told() == [] and level(rig.client, rig.keys) == ""
    fill(rig, 0.93)
    note_memory(rig.scripts)
    rig.make_job()
    (alert,) = rig.told()
    subject, body = words_of_the_service(alert)
    assert subject == "Redis is nearly full" and "uses 93% of its maxmemory (" in body and "of 64 MiB)" in body
    empty(rig)
    note_memory(rig.scripts)
    (alert,) = rig.told()
    assert words_of_the_service(alert)[0] == "Redis has room again"


def test_a_nearly_full_redis_takes_no_new_jobs_and_imports_and_runs_go_on(server: ValkeyServer) -> None:
    """They are 503 and name the memory; the doctor says the same; later they are taken again."""
    rig = Rig.on(server.client())
    job_id, book = rig.make_job(), ContactBook(rig.client, rig.keys)
    definitions = Definitions(rig.jobs, rig.job_store, rig.jobs._clock, {"echo": EchoConfig})
    settings = Settings.model_validate({"redis_url": server.url, "api_key": "k" * 20})
    api = falcon.testing.TestClient(assemble(settings), headers={"X-API-Key": "k" * 20})
    fill(rig, 0.98)
    refusals: list[Callable[[], object]] = [
        rig.make_job,
        lambda: book.import_stream(io.BytesIO(b"Name\nAda\n")),
        lambda: definitions.apply({"version": 1, "jobs": [{**JOB, "name": "another", "bot_type": "echo"}]}),
    ]
    for refused in refusals:
        with pytest.raises(StoreFull, match="97% of its memory"):
            refused()
    answer = api.simulate_post("/scheduler/jobs", json=JOB)
    assert answer.status_code == 503 and "Retry-After" in answer.headers and "memory" in answer.json["detail"]
    assert api.simulate_post("/scheduler/contacts/import", body=b"Name\nAda\n").status_code == 503

    rig.runs.finish(run := rig.run_due(job_id), rig.start(run), Outcome("success", None, {}))
    assert rig.use.run(job_id, run).data["status"] == "success"
    assert rig.jobs.update(job_id, {"name": "changed"}).data["name"] == "changed"
    memory = next(finding for finding in check_redis(settings) if finding.check == "memory")
    assert memory.state == "problem" and "new jobs and imports are refused" in memory.found
    assert "uses 98% of" in memory.found or "uses 99% of" in memory.found

    empty(rig)
    assert api.simulate_post("/scheduler/jobs", json=JOB).status_code == 201
    assert book.import_stream(io.BytesIO(b"Name\nAda\n"))["created"] == 1


def test_a_redis_that_becomes_full_at_once_is_told_too(server: ValkeyServer) -> None:
    """The level is kept although Redis takes no other write."""
    rig = Rig.on(server.client())
    fill(rig, 0.5)
    rig.client.config_set("maxmemory", 2**20)
    note_memory(rig.scripts)
    assert level(rig.client, rig.keys) == "full"
    taken = Outbox(rig.scripts).take_up()
    assert taken is not None and facts(taken)["kind"] == "memory_high"


def test_the_scheduler_looks_with_its_heartbeats(server: ValkeyServer) -> None:
    """If it leads; without maxmemory nothing is ever full."""
    rig = Rig.on(server.client())
    scheduler = rig.scheduler()
    scheduler._beat()
    rig.client.config_set("maxmemory", 2**20)
    scheduler._next_heartbeat = 0.0
    with pytest.raises(StoreFull):
        scheduler._beat()
    assert level(rig.client, rig.keys) == "full"
    rig.client.config_set("maxmemory", 0)
    scheduler._beat()
    assert level(rig.client, rig.keys) == ""
