"""A person erased from a whole installation, by real processes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support import dumps
from tests.support.installation import Installation
from tests.support.processes import until
from tests.support.servers.address_books import person, radicale
from tests.support.servers.alerts import receiving_alerts
from tests.support.servers.mail import post_office
from tests.support.servers.valkey import ValkeyServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a whole installation greets, syncs, fails and erases"),
]

NAME, EMAIL, PHONE = "Zoë Ångström", "zoe.angstrom@example.org", "+49 170 1234567"
MARKS = ("ngstr", "zoë", "zo\\u00eb", "zo%c3%ab", "zoe.", "1234567")


def test_who_was_everywhere_is_nowhere_and_is_not_greeted_twice(tmp_path: Path, light_server: ValkeyServer) -> None:
    """In contacts, results, logs, the ledger, alerts and a synced book; the history counts as before."""
    today = datetime.now(UTC)
    card = person("a1", f"BDAY:1990-{today:%m-%d}", f"EMAIL:{EMAIL}", f"TEL:{PHONE}", "N:Ångström;Zoë;;;", name=NAME)
    with (
        post_office() as (post, mail), radicale(tmp_path) as book, receiving_alerts() as alerts,
        Installation(
            tmp_path, light_server, MESSAGE_URL=mail, CONTACTS_URL=book.url(),
            ALERT_URL=f"json://127.0.0.1:{alerts.server_port}/x",
        ) as service,
    ):  # fmt: skip
        path = book.make_book("people", "People")
        book.put(f"{path}a1.vcf", card)
        service.start("web", "worker")
        service.until_web_answers()
        until(lambda: service.call("GET", "/health")[1]["workers"] > 0, 30)
        run_bot(service, "contacts_sync")
        ((contact,),) = [service.call("GET", "/contacts")[1:]]
        (contact,) = contact
        assert contact["name"] == NAME and contact["emails"] == [EMAIL]
        assert run_bot(service, "birthday", {"dry_run": True})["result"]["messages"]
        assert run_bot(service, "birthday")["messages_sent"] == 1
        says = f"{NAME.upper()} <{quote(EMAIL)}> {json.dumps(NAME)} 0049170/1234567"
        failing = service.make_job(bot_config={"mode": "raise", "says": says})
        run = service.run_now(failing)
        service.until_status(failing, run, "failed")
        keep = service.make_job(bot_config={"mode": "talk"}, options={})
        service.call("POST", f"/jobs/{keep}/run?wait=25", {"bot_config": {"says": says}})
        service.call("PUT", f"/jobs/{failing}", definition(service, failing))
        before = counts(service)
        texts = everything(service)
        for key in ("contact:", "run:", ":log", "alerts", ":given"):
            assert any(key in text and any(mark in text for mark in MARKS) for text in texts), key

        status, found = service.call("DELETE", f"/contacts/{contact['id']}?erase=true", timeout=60)
        assert status == 200, found
        assert found["left"] == [] and found["under_way"] == []
        assert {"contacts", "results", "logs", "alerts", "cards", "ledger_entries"} <= found["found"].keys()
        named = [text[:300] for text in everything(service) if any(mark in text for mark in (*MARKS, contact["id"]))]
        assert named == []
        assert counts(service) == before
        assert service.call("DELETE", f"/contacts/{contact['id']}?erase=true")[0] == 404
        assert service.call("DELETE", f"/contacts/{contact['id']}?erase=maybe")[0] == 400

        status, report = service.call("POST", "/contacts/import", card.encode())
        assert (status, report["created"]) == (200, 1), report
        assert [one["id"] for one in service.call("GET", "/contacts")[1]] == [found["erased_as"]]
        again = run_bot(service, "birthday")
        assert (again["messages_sent"], again["result"]["already"]) == (0, 1)
        assert post.recipients == [EMAIL]


def run_bot(service: Installation, bot: str, config: object = None) -> dict[str, Any]:
    """One run that must succeed."""
    job = service.make_job(bot_type=bot)
    status, run = service.call("POST", f"/jobs/{job}/run?wait=25", {"bot_config": config or {}})
    assert (status, run["status"]) == (200, "success"), run
    return dict(run)


def definition(service: Installation, job: str) -> dict[str, object]:
    """A job's definition without the words of the test."""
    _, shown = service.call("GET", f"/jobs/{job}")
    return {
        "name": shown["name"], "bot_type": shown["bot_type"], "schedule_type": shown["schedule_type"],
        "schedule_config": shown["schedule_config"], "bot_config": {},
    }  # fmt: skip


def counts(service: Installation) -> list[tuple[object, ...]]:
    """What the history tells of each run."""
    _, runs = service.call("GET", "/runs?limit=200")
    return [(run["id"], run["status"], run["messages_sent"], run["started_at"], run["finished_at"]) for run in runs]


def everything(service: Installation) -> list[str]:
    """Every key and every text in Redis."""
    return [json.dumps(row, ensure_ascii=False).lower() for row in dumps.dump(service.client)]
