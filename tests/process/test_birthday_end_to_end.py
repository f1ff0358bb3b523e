"""From an address book to a message in somebody's mailbox, with real processes and a real mail server."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis

from tests.support.installation import Installation
from tests.support.processes import until
from tests.support.servers.mail import post_office
from tests.support.servers.valkey import ValkeyServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="an occurrence of a full minute is waited for"),
]


def next_minute(client: Redis) -> datetime:
    """The next full minute of Redis' clock, at least five seconds from now."""
    until(lambda: int(client.time()[0]) % 60 <= 54, 30)
    seconds = int(client.time()[0])
    return datetime.fromtimestamp(seconds - seconds % 60 + 60, UTC)


def book(day: datetime) -> bytes:
    """An address book of three: one has a birthday on `day`, one half a year away from it, one has none."""
    other = day.replace(year=1992, month=(day.month + 5) % 12 + 1, day=1)
    cards = [
        f"FN:Robin Example\r\nEMAIL:robin@example.org\r\nBDAY:1992-{day:%m-%d}\r\n",
        f"FN:Someone Else\r\nEMAIL:else@example.org\r\nBDAY:{other:%Y-%m-%d}\r\n",
        "FN:Nobody Knows When\r\nEMAIL:nobody@example.org\r\n",
    ]
    return "".join(f"BEGIN:VCARD\r\nVERSION:3.0\r\n{card}END:VCARD\r\n" for card in cards).encode()


def test_a_birthday_is_greeted_at_the_minute_and_once(durable_server: ValkeyServer, tmp_path: Path) -> None:
    """An imported contact's birthday: a job of every minute comes due by itself, one e-mail arrives at the minute, the
    history says so; run again by hand, nothing is sent twice."""
    with post_office() as (post, message_url):
        arrivals: list[float] = []
        post.before_taking = lambda: arrivals.append(time.time())
        with Installation(tmp_path, durable_server, MESSAGE_URL=message_url) as installation:
            installation.start("web", "scheduler", "worker").until_healthy()
            minute = next_minute(installation.client)
            status, report = installation.call("POST", "/contacts/import", book(minute))
            assert (status, report["created"], report["skipped_total"]) == (200, 3, 0)
            job_id = installation.make_job(
                bot_type="birthday", schedule_type="cron", schedule_config={"cron_expression": "* * * * *"}
            )
            _, job = installation.call("GET", f"/jobs/{job_id}")
            assert job["next_run_at"] == f"{minute:%Y-%m-%dT%H:%M:%S}"
            assert installation.history(job_id) == []

            until(
                lambda: bool(installation.history(job_id)) and installation.history(job_id)[0]["status"] == "success",
                75, lambda: str(installation.history(job_id)) + installation.log("worker"),
            )  # fmt: skip
            status, _ = installation.call("POST", f"/jobs/{job_id}/toggle", {"enabled": False})
            assert status == 200
            (run,) = installation.history(job_id)
            assert (run["trigger"], run["scheduled_for"]) == ("schedule", job["next_run_at"])
            assert (run["messages_sent"], run["result"]["sent"], run["error"]) == (1, 1, None)
            assert run["started_at"] >= run["scheduled_for"] and 0 <= run["lateness_ms"] < 5000

            assert post.recipients == ["robin@example.org"]
            assert minute.timestamp() <= arrivals[0] < minute.timestamp() + 15
            message = post.messages[0]
            assert (message["From"], "Robin" in message["Subject"]) == ("me@example.org", True)
            assert str(minute.year - 1992) in message.get_content()

            status, again = installation.call("POST", f"/jobs/{job_id}/run?wait=25")
            assert (status, again["status"], again["messages_sent"]) == (200, "success", 0)
            assert again["result"]["already"] == 1
            assert post.recipients == ["robin@example.org"]
            assert [entry["id"] for entry in installation.history(job_id)] == [again["id"], run["id"]]
            _, contacts = installation.call("GET", "/contacts")
            assert [contact["name"] for contact in contacts if contact["last_messaged_at"]] == ["Robin Example"]
