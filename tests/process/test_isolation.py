"""In which process a run is carried out: a kept one, or one of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rq import Worker
from rq.command import send_stop_job_command
from rq.serializers import JSONSerializer

from tests.process.plugins.leaver_bot import HARMLESS, TABLE
from tests.support.installation import Installation, running
from tests.support.processes import until
from tests.support.servers.address_books import person, radicale
from tests.support.servers.mail import post_office
from tests.support.servers.receivers import listening
from tests.support.servers.sites import html, web_site
from tests.support.servers.valkey import ValkeyServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="an installation starts for each setting"),
]


def processes_of(service: Installation, trace: Path, runs: int) -> list[int]:
    """The process ids of so many runs, one after the other, all asked for at once."""
    job_id = service.make_job(bot_config={"trace": str(trace)})
    asked = [service.run_now(job_id) for _ in range(runs)]
    for run_id in asked:
        service.until_status(job_id, run_id, "success")
    return [int(line.split()[1]) for line in trace.read_text().splitlines() if line.startswith("start")]


@pytest.mark.parametrize(
    ("settings", "shape"),
    [
        ({}, [6]),
        ({"WORKER_RECYCLE_RUNS": "2"}, [2, 2, 2]),
        ({"WORKER_RECYCLE_MB": "32"}, [1, 1, 1, 1, 1, 1]),
        ({"WORKER_ISOLATION": "fork"}, [1, 1, 1, 1, 1, 1]),
    ],
    ids=["warm", "recycled by runs", "recycled by memory", "fork"],
)
def test_runs_share_a_process_as_the_settings_say(
    valkey_server: ValkeyServer, tmp_path: Path, settings: dict[str, str], shape: list[int]
) -> None:
    """Six runs of one worker: how many each process carried out, in order."""
    valkey_server.client().flushall()
    with Installation(tmp_path, valkey_server, WORKER_CONCURRENCY="1", **settings) as service:
        service.start("web", "scheduler", "worker").until_healthy()
        carried_out = processes_of(service, tmp_path / "trace", 6)
    counts = [carried_out.count(process) for process in dict.fromkeys(carried_out)]
    assert counts == shape


def test_a_stop_by_rqs_own_command_ends_one_run_of_a_kept_process_and_no_other(
    valkey_server: ValkeyServer, tmp_path: Path
) -> None:
    """The third run in a process is stopped; those before it stand, the one after it has another process."""
    valkey_server.client().flushall()
    with Installation(tmp_path, valkey_server, WORKER_CONCURRENCY="1") as service:
        service.start("web", "scheduler", "worker").until_healthy()
        job_id = service.make_job(bot_config={"trace": str(tmp_path / "trace")})
        long = service.make_job(bot_config={"seconds": 300.0, "trace": str(tmp_path / "trace")})
        before = [service.run_now(job_id) for _ in range(2)]
        stopped, after = service.run_now(long), service.run_now(job_id)
        service.until_status(long, stopped, "running")
        until(lambda: service.client.hexists(service.keys.rq_job(stopped), "worker_name"), 10)
        send_stop_job_command(service.client, stopped, serializer=JSONSerializer)
        assert "stopped" in service.until_status(long, stopped, "cancelled")["error"]
        for run_id in (*before, after):
            service.until_status(job_id, run_id, "success")
        started = [line.split() for line in (tmp_path / "trace").read_text().splitlines() if line.startswith("start")]
    assert len({line[1] for line in started}) == 2
    assert len(started) == 4


def test_rqs_suspension_holds_for_a_worker_that_is_busy(valkey_server: ValkeyServer, tmp_path: Path) -> None:
    """`rq suspend` while runs wait: the one under way ends, no other starts until `rq resume`."""
    valkey_server.client().flushall()
    with Installation(tmp_path, valkey_server, WORKER_CONCURRENCY="1") as service:
        service.start("web", "scheduler", "worker").until_healthy()
        job_id = service.make_job(bot_config={"seconds": 1.0}, options={"max_concurrent_runs": 3})
        first, second, third = (service.run_now(job_id) for _ in range(3))
        service.until_status(job_id, first, "running")
        service.client.set("rq:suspended", 1)
        service.until_status(job_id, first, "success")
        until(lambda: Worker.all(service.client)[0].get_state() == "suspended", 10)
        assert [run["status"] for run in service.history(job_id)] == ["queued", "queued", "success"]
        service.client.delete("rq:suspended")
        for run_id in (second, third):
            service.until_status(job_id, run_id, "success")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation with one worker, whose process is kept; the tests that share it leave it standing."""
    with running(tmp_path_factory.mktemp("kept"), WORKER_CONCURRENCY="1") as service:
        yield service


@pytest.mark.parametrize(
    ("leaves", "fails"),
    [(leaves, False) for leaves in sorted(TABLE)]
    + [(leaves, True) for leaves in ("nothing", "files", "a umask", "a patched clock")],
)
def test_no_run_finds_what_another_has_left_behind(kept: Installation, leaves: str, fails: bool) -> None:
    """The next run has a process of its own, in which all is as it was; one that left nothing shares its process."""
    job_id = kept.make_job(bot_type="leaver", bot_config={"leaves": leaves, "fails": fails})
    first, second = (kept.until_status(job_id, kept.run_now(job_id), "success", "failed") for _ in range(2))
    assert {first["status"], second["status"]} == {"failed" if fails else "success"}, (first["error"], second["error"])
    assert (first["result"]["process"] == second["result"]["process"]) == (leaves == "nothing")
    assert first["result"]["found"] == second["result"]["found"]
    assert (first["result"]["found"] != first["result"]["left"]) == (leaves != "nothing")


@pytest.mark.parametrize("leaves", ["a patched clock", "a patched time", "a patched date"])
def test_a_patched_clock_does_not_move_the_times_of_its_own_run(kept: Installation, leaves: str) -> None:
    """What is logged after that has the right time, and the run ends as it should."""
    job_id = kept.make_job(bot_type="leaver", bot_config={"leaves": leaves})
    run = kept.until_status(job_id, kept.run_now(job_id), "success", "failed")
    (line,) = kept.call("GET", f"/jobs/{job_id}/runs/{run['id']}/log")[1]["lines"]
    assert run["started_at"] <= line["at"] <= run["finished_at"]
    assert run["status"] == "success"


@pytest.mark.parametrize("leaves", sorted(HARMLESS))
def test_a_process_is_kept_where_nothing_of_a_run_is_left(kept: Installation, leaves: str) -> None:
    """What was closed and waited for, and what ends with the run by itself."""
    job_id = kept.make_job(bot_type="leaver", bot_config={"leaves": leaves})
    first, second = (kept.until_status(job_id, kept.run_now(job_id), "success")["result"] for _ in range(2))
    assert first["process"] == second["process"]
    assert first["found"] == second["found"]


def test_our_own_connection_is_no_bots_leftover(kept: Installation) -> None:
    """It breaks and is made anew between two runs of one process."""
    job_id = kept.make_job(bot_type="leaver", bot_config={"leaves": "nothing"})
    first = kept.until_status(job_id, kept.run_now(job_id), "success")["result"]
    (horse,) = [client["id"] for client in kept.client.client_list() if client["name"].endswith("-horse")]
    kept.client.client_kill_filter(_id=horse)
    second = kept.until_status(job_id, kept.run_now(job_id), "success")["result"]
    assert first["process"] == second["process"]


def test_the_log_of_the_worker_says_what_was_left(kept: Installation) -> None:
    """So that whoever wrote the bot learns why its runs do not share a process."""
    job_id = kept.make_job(bot_type="leaver", bot_config={"leaves": "files"})
    run_id = kept.run_now(job_id)
    kept.until_status(job_id, run_id, "success")
    until(lambda: "open files or connections" in kept.log("worker"), 10)


def test_the_services_own_bots_leave_nothing_behind(light_server: ValkeyServer, tmp_path: Path) -> None:
    """Each has run twice, with work to do and with failures: a mail server, an address book, a site and a receiver that
    answers, then one that refuses. No process was replaced for what it left."""
    with post_office() as (_, message_url), radicale(tmp_path) as books, web_site() as site, listening() as receiver:
        today = datetime.now(UTC)
        path = books.make_book("people", "People")
        card = f"BDAY:1990-{today:%m-%d}\r\nEMAIL:a@example.org\r\nURL;TYPE=profile:{site.address}/a"
        books.put(f"{path}a.vcf", person("a", card))
        site.answers["/a"] = html("hello")
        bots: tuple[tuple[str, dict[str, str]], ...] = (
            ("contacts_sync", {}),
            ("birthday", {}),
            ("visitor", {}),
            ("webhook", {"url": receiver.address}),
        )
        with Installation(
            tmp_path, light_server, WORKER_CONCURRENCY="1", MESSAGE_URL=message_url, CONTACTS_URL=books.url()
        ) as service:
            service.start("web", "scheduler", "worker").until_healthy()
            for status in (200, 500):
                receiver.status = status
                for bot, config in bots:
                    job_id = service.make_job(bot_type=bot, bot_config=config)
                    service.until_status(job_id, service.run_now(job_id), "success", "failed")
            runs = [run["status"] for run in service.call("GET", "/runs")[1]]
            told = [line for line in service.log("worker").splitlines() if "is replaced" in line]
    assert (len(runs), [line.partition("has left")[2][:60] for line in told]) == (8, [])
    assert set(runs) == {"success", "failed"}
