"""Data that went back, seen by real processes: told once, shown until it is acknowledged, and worked on with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.installation import Installation
from tests.support.processes import until
from tests.support.servers.alerts import AlertReceiver
from tests.support.servers.valkey import ValkeyServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a whole installation starts for each test"),
]

SAID = "The data in Redis went back"


@pytest.fixture
def alerted(tmp_path: Path, durable_server: ValkeyServer, receiver: AlertReceiver) -> Iterator[Installation]:
    """An installation that tells of what happens, with nothing started."""
    url = f"json://127.0.0.1:{receiver.server_port}/alerts"
    with Installation(tmp_path, durable_server, ALERT_URL=url, WORKER_CONCURRENCY="1") as installation:
        yield installation


def noticed(installation: Installation) -> Any:
    """What health says of it."""
    return installation.call("GET", "/health")[1]["data_went_back"]


def seen_by(installation: Installation, *names: str) -> bool:
    """Whether each of these processes has said so in its log."""
    return all(SAID in installation.log(name) for name in names)


def test_a_flushall_under_running_parts_is_noticed_by_each_and_told_once(
    alerted: Installation, receiver: AlertReceiver
) -> None:
    """Until somebody acknowledges it; and the service goes on with what is made from then on."""
    parts = ("web", "scheduler-1", "scheduler-2", "worker")
    alerted.start(*parts).until_healthy()
    alerted.make_job()
    alerted.client.flushall()
    until(lambda: noticed(alerted) is not None and seen_by(alerted, *parts), 40)
    until(lambda: bool(receiver.received), 20)
    alerted.until_healthy()
    assert alerted.call("GET", "/jobs")[1] == []
    job_id = alerted.make_job()
    alerted.until_status(job_id, alerted.run_now(job_id), "success")
    assert alerted.client.exists(alerted.keys.schema_version)
    assert [subject for _, subject in receiver.told] == [SAID]
    status, answer = alerted.call("POST", "/acknowledge")
    assert status == 200 and "another data set" in answer["data_went_back"]["detail"]
    assert noticed(alerted) is None


def test_a_flushall_while_no_scheduler_is_up_is_noticed_by_the_web_process(
    alerted: Installation, receiver: AlertReceiver
) -> None:
    """The alert goes out once a scheduler is up again."""
    alerted.start("web", "scheduler").until_healthy()
    alerted.make_job()
    alerted.kill("scheduler")
    alerted.client.flushall()
    until(lambda: noticed(alerted) is not None, 20)
    assert not receiver.received
    alerted.start("scheduler-2").until_healthy()
    until(lambda: bool(receiver.received), 20)
    assert [subject for _, subject in receiver.told] == [SAID]


def test_a_redis_on_an_older_file_is_noticed_and_one_that_lost_nothing_is_not(
    alerted: Installation, tmp_path: Path, receiver: AlertReceiver
) -> None:
    """First killed and started as it was, under a leader that changes too; then on files from before a job was made."""
    alerted.start("web", "scheduler-1", "worker").until_healthy()
    kept = alerted.make_job(name="kept")
    files, aside = tmp_path / "appendonlydir", tmp_path / "aside"
    alerted.server.kill()
    shutil.copytree(files, aside)
    alerted.server.start()
    alerted.start("scheduler-2").until_healthy()
    alerted.kill("scheduler-1")
    beat = int(alerted.client.hget(alerted.keys.data, "beat") or 0)
    until(lambda: int(alerted.client.hget(alerted.keys.data, "beat") or 0) > beat + 2, 30)
    assert noticed(alerted) is None
    assert not seen_by(alerted, "web") and not seen_by(alerted, "worker")

    alerted.make_job(name="lost")
    alerted.server.kill()
    shutil.rmtree(files)
    aside.rename(files)
    alerted.server.start()
    until(lambda: alerted.call("GET", "/health")[1]["redis_connected"] and noticed(alerted) is not None, 40)
    assert "went back by about" in noticed(alerted)["detail"]
    until(lambda: bool(receiver.received), 20)
    alerted.until_healthy()
    assert [job["id"] for job in alerted.call("GET", "/jobs")[1]] == [kept]
    assert [subject for _, subject in receiver.told] == [SAID]
