"""A mail server that refuses, with real processes: what waits is cancelled, killed and taken up, and people told."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.bots.kills import owner_of
from tests.support.installation import Installation
from tests.support.processes import until
from tests.support.servers.mail import post_office
from tests.support.servers.picky_post import Picky
from tests.support.servers.receivers import Receiver, listening
from tests.support.servers.valkey import ValkeyServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="tries of letters are waited for"),
]


class Noting(Picky):
    """One that knows which process below `root` sent it something last."""

    root = sender = 0

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        assert session.peer is not None
        self.sender = owner_of(int(session.peer[1]), self.root)
        return await super().handle_RCPT(server, session, envelope, address, options)


@contextmanager
def installed(server: ValkeyServer, folder: Path) -> Iterator[tuple[Installation, Noting, Receiver]]:
    """Amelia and Ben, whose birthday it is, a mail server, and who is told."""
    post = Noting()
    with post_office(post) as (_, url), listening() as told:
        alerts = told.address.replace("http://", "json://")
        with Installation(folder, server, MESSAGE_URL=url, ALERT_URL=alerts) as installation:
            installation.start("web", "scheduler", "worker").until_healthy()
            post.root = installation.processes["worker"].pid
            today = datetime.fromtimestamp(int(installation.client.time()[0]), UTC)
            for name in ("amelia", "ben"):
                body = {"name": name, "birthday": f"--{today:%m-%d}", "emails": [f"{name}@example.org"]}
                assert installation.call("POST", "/contacts", body)[0] == 201
            yield installation, post, told


def start(installation: Installation, **options: Any) -> tuple[str, str]:
    """A run of a birthday job with these options: the ids of both."""
    job = installation.make_job(name="Greet", bot_type="birthday", bot_config={"process_late": True}, options=options)
    return job, installation.run_now(job)


def until_it_waits(installation: Installation, run_id: str) -> None:
    """Waits until the run's log says when the next try is."""
    key = installation.keys.run_log(run_id)
    until(
        lambda: any(b"the next try is at" in line for line in installation.client.lrange(key, 0, -1)), 30,
        lambda: installation.log("worker"),
    )  # fmt: skip


def test_a_cancel_ends_a_run_that_waits_for_its_next_try(light_server: ValkeyServer, tmp_path: Path) -> None:
    """With what it has done, and without a claim for the letter that waited."""
    with installed(light_server, tmp_path) as (installation, post, _):
        post.refuse("amelia", "450 greylisted")
        job, run_id = start(installation)
        until_it_waits(installation, run_id)
        assert installation.call("POST", f"/jobs/{job}/runs/{run_id}/cancel")[0] in (200, 202)
        run = installation.until_status(job, run_id, "cancelled")
        assert (run["result"]["sent"], run["result"]["deferred"]) == (1, 1)
        assert (post.tried, post.taken) == (["amelia", "ben"], ["ben"])
        assert len(installation.client.keys("*:ledger:birthday:*")) == 1


def test_a_kill_while_letters_wait_doubles_and_loses_nobody(light_server: ValkeyServer, tmp_path: Path) -> None:
    """The retry finds the letter free, and the other one in the ledger."""
    with installed(light_server, tmp_path) as (installation, post, _):
        post.refuse("amelia", "450 greylisted", 1)
        job, run_id = start(installation, max_retries=1, retry_delay_seconds=1)
        until_it_waits(installation, run_id)
        os.kill(post.sender, signal.SIGKILL)
        until(lambda: installation.history(job)[0]["status"] == "success", 30, lambda: str(installation.history(job)))
        retry, first = installation.history(job)
        assert (first["status"], retry["trigger"]) == ("failed", "retry")
        assert (retry["result"]["sent"], retry["result"]["already"], retry["result"]["unknown"]) == (1, 1, 0)
        assert sorted(post.taken) == ["amelia", "ben"]


def test_a_deploy_while_letters_wait_does_not_wait_for_them(light_server: ValkeyServer, tmp_path: Path) -> None:
    """The stopping worker's run is run again by the next one at once, and takes up what is left."""
    with installed(light_server, tmp_path) as (installation, post, _):
        post.refuse("amelia", "450 greylisted", 1)
        job, run_id = start(installation)
        until_it_waits(installation, run_id)
        installation.kill("worker", signal.SIGTERM)
        post.root = installation.start("worker").processes["worker"].pid
        until(lambda: installation.history(job)[0]["status"] == "success", 30, lambda: str(installation.history(job)))
        again, first = installation.history(job)
        assert (first["error"], first["result"]["deferred"]) == ("worker stopped", 1)
        assert (again["result"]["sent"], again["result"]["already"]) == (1, 1)
        assert sorted(post.taken) == ["amelia", "ben"]


def test_letters_that_stay_refused_fail_the_run_and_its_retry_takes_up_those(
    light_server: ValkeyServer, tmp_path: Path
) -> None:
    """There is no time for another try within the run here; nobody is told, since the retry gets through."""
    with installed(light_server, tmp_path) as (installation, post, told):
        post.refuse("amelia", "451 greylisted", 1, at="data")
        job, _ = start(installation, timeout_seconds=60, max_retries=1, retry_delay_seconds=1)
        until(lambda: installation.history(job)[0]["status"] == "success", 30, lambda: str(installation.history(job)))
        retry, first = installation.history(job)
        assert first["status"] == "failed" and first["result"]["deferred"] == 1
        assert first["error"].startswith("1 of 2 letters was refused for now and could not be sent: amelia: ")
        assert (retry["result"]["sent"], retry["result"]["already"]) == (1, 1)
        assert post.tried == ["amelia", "ben", "amelia"] and told.got == []


def test_a_recipient_that_is_refused_for_good_is_told_to_the_alerts_once(
    light_server: ValkeyServer, tmp_path: Path
) -> None:
    """The run is a success; the next one meets the same and tells nobody, until the reason is another."""
    with installed(light_server, tmp_path) as (installation, post, told):
        post.refuse("amelia", "550 5.1.1 no such user")
        job, run_id = start(installation)
        assert installation.until_status(job, run_id, "success", "failed")["status"] == "success"
        until(lambda: len(told.got) == 1, 30, lambda: installation.log("scheduler"))
        for reply, alerts in (("550 5.1.1 no such user", 1), ("554 5.7.1 blocked", 2)):
            post.refuse("amelia", reply)
            installation.until_status(job, installation.run_now(job), "success")
            installation.until_alerts_are_sent()
            assert len(told.got) == alerts
        first, second = (json.loads(body) for _, _, _, body in told.got)
        said = "- amelia (amelia@example.org) got no birthday message: the mail server refused the recipient: "
        assert first["title"] == "Greet: something to look at"
        assert f"Run: {run_id}\n{said}550 5.1.1 no such user" in first["message"]
        assert f"{said}554 5.7.1 blocked" in second["message"]
