"""Revoked keys at real web processes: refused within a second, with their streams, waits and sessions."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.installation import Installation
from tests.support.processes import until
from tests.support.servers.valkey import ValkeyServer

pytestmark = [pytest.mark.processes, pytest.mark.slow(reason="real web processes start")]

TIMES = 50
READER = {"name": "of a test", "scopes": ["read", "run", "contacts"]}


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Two web processes on a server of their own; no worker, so that runs wait."""
    folder = tmp_path_factory.mktemp("revoked")
    with (
        ValkeyServer(folder, "--appendonly", "no") as server,
        Installation(folder, server, WEB_CONCURRENCY="2", TRUSTED_PROXIES="127.0.0.1").start("web") as started,
    ):
        started.until_web_answers()
        yield started


def make(web: Installation) -> tuple[str, str]:
    """Makes a key. Returns its id and itself."""
    status, made = web.call("POST", "/keys", READER)
    assert status == 201, made
    return made["id"], made["key"]


def asked(connection: http.client.HTTPConnection, key: str) -> int:
    """Asks on a connection, which stays with the process that took it; nothing but the guard needs Redis there."""
    # From a new address each time, since many wrong keys from one are answered slowly.
    address = f"10.{'.'.join(str(random.randrange(256)) for _ in range(3))}"
    connection.request("GET", "/scheduler/bots", headers={"X-API-Key": key, "X-Forwarded-For": address})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def test_a_revoked_key_is_refused_by_every_process_within_a_second(
    web: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fifty times: several connections ask without a pause, and none is served a second after the 204."""
    latest = 0.0
    for _ in range(TIMES):
        key_id, key = make(web)
        connections = [http.client.HTTPConnection("127.0.0.1", web.port, timeout=30) for _ in range(6)]
        assert [asked(connection, key) for connection in connections] == [200] * 6
        assert web.call("DELETE", f"/keys/{key_id}")[0] == 204
        revoked_at = time.monotonic()
        served_at = revoked_at
        refused: set[int] = set()
        while len(refused) < len(connections):
            for number, connection in enumerate(connections):
                asked_at = time.monotonic()
                status = asked(connection, key)
                assert status in (200, 401)
                if status == 401:
                    refused.add(number)
                else:
                    assert number not in refused
                    served_at = max(served_at, asked_at)
        assert served_at - revoked_at < 1.0
        latest = max(latest, served_at - revoked_at)
        for connection in connections:
            connection.close()
    with capsys.disabled():
        print(f"\nthe last request that a revoked key was served came {latest * 1000:.0f} ms after the 204")


def test_streams_and_waits_end_with_their_key(web: Installation) -> None:
    """A followed log ends without its run's end, and a wait answers that the run was accepted."""
    job_id = web.make_job(bot_type="webhook", bot_config={"url": "https://example.org/"})
    run_id = web.run_now(job_id)
    key_id, key = make(web)
    stream = http.client.HTTPConnection("127.0.0.1", web.port, timeout=30)
    headers = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream"}
    stream.request("GET", f"/scheduler/jobs/{job_id}/runs/{run_id}/log", headers=headers)
    answer = stream.getresponse()
    assert (answer.status, answer.readline()) == (200, b"retry: 2000\n")
    waited: list[tuple[int, str]] = []

    def wait() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=30)
        connection.request("POST", f"/scheduler/jobs/{job_id}/run?wait=25", headers={"X-API-Key": key})
        found = connection.getresponse()
        waited.append((found.status, json.loads(found.read())["status"]))

    runs = len(web.history(job_id))
    waiting = threading.Thread(target=wait)
    waiting.start()
    until(lambda: len(web.history(job_id)) > runs, 10)
    begun = time.monotonic()
    assert web.call("DELETE", f"/keys/{key_id}")[0] == 204
    rest = answer.read()
    waiting.join(30)
    assert b"event: end" not in rest and b"event: restart" not in rest
    assert waited == [(202, "queued")]
    assert time.monotonic() - begun < 20, "the wait would have taken 25 s, and the stream had no end"
    stream.close()


def test_a_followed_log_ends_when_its_job_leaves_the_keys_limits(web: Installation) -> None:
    """By a change of labels; a key with limits within which the job stays goes on until the run's end."""
    job_id = web.make_job(labels={"team": "crm"}, bot_config={})
    run_id = web.run_now(job_id)
    answers = []
    for teams in (["crm"], ["crm", "ops"]):
        status, made = web.call("POST", "/keys", {**READER, "labels": {"team": teams}})
        assert status == 201, made
        stream = http.client.HTTPConnection("127.0.0.1", web.port, timeout=30)
        headers = {"X-API-Key": made["key"], "Accept": "text/event-stream"}
        stream.request("GET", f"/scheduler/jobs/{job_id}/runs/{run_id}/log", headers=headers)
        answers.append(stream.getresponse())
        assert (answers[-1].status, answers[-1].readline()) == (200, b"retry: 2000\n")
    assert web.call("PUT", f"/jobs/{job_id}", {"labels": {"team": "ops"}})[0] == 200
    assert b"event: end" not in answers[0].read()
    assert web.call("POST", f"/jobs/{job_id}/runs/{run_id}/cancel")[0] == 200
    assert b"event: end" in answers[1].read()


def test_a_wait_ends_when_its_job_leaves_the_keys_limits(web: Installation) -> None:
    """It answers 404, as the next request would; a key within whose limits the job stays waits until the run's end."""
    job_id = web.make_job(labels={"team": "crm"}, bot_config={})
    answers: dict[str, tuple[int, Any, float]] = {}

    def wait(name: str, key: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=60)
        connection.request("POST", f"/scheduler/jobs/{job_id}/run?wait=25", headers={"X-API-Key": key})
        found = connection.getresponse()
        answers[name] = found.status, json.loads(found.read()), time.monotonic()

    threads = []
    for name, teams in (("leaves", ["crm"]), ("stays", ["crm", "ops"])):
        status, made = web.call("POST", "/keys", {**READER, "labels": {"team": teams}})
        assert status == 201, made
        threads.append(threading.Thread(target=wait, args=(name, made["key"])))
        threads[-1].start()
    until(lambda: len(web.history(job_id)) == 2, 10)
    assert web.call("PUT", f"/jobs/{job_id}", {"labels": {"team": "ops"}})[0] == 200
    left_at = time.monotonic()
    threads[0].join(60)
    status, body, at = answers["leaves"]
    assert (status, body) == (404, {"detail": f"Job {job_id} not found"})
    assert at - left_at < 4.5, "without a look at the job, the wait asks every 5 s"
    assert "stays" not in answers
    for run in web.history(job_id):
        assert web.call("POST", f"/jobs/{job_id}/runs/{run['id']}/cancel")[0] == 200
    threads[1].join(60)
    assert (answers["stays"][0], answers["stays"][1]["status"]) == (200, "cancelled")


def test_the_root_keys_stream_goes_on(web: Installation) -> None:
    """Nothing looks it up, and revoking another key does not touch it."""
    job_id = web.make_job(bot_type="webhook", bot_config={"url": "https://example.org/"})
    run_id = web.run_now(job_id)
    stream = http.client.HTTPConnection("127.0.0.1", web.port, timeout=30)
    headers = {"X-API-Key": web.key, "Accept": "text/event-stream"}
    stream.request("GET", f"/scheduler/jobs/{job_id}/runs/{run_id}/log", headers=headers)
    answer = stream.getresponse()
    key_id, _ = make(web)
    assert web.call("DELETE", f"/keys/{key_id}")[0] == 204
    assert web.call("POST", f"/jobs/{job_id}/runs/{run_id}/cancel")[0] == 200
    assert b"event: end" in answer.read()
    stream.close()
