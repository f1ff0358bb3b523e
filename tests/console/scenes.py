"""An installation in which there is something to see, and the screens that show it."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.installation import ROOT, Installation
from tests.support.processes import until

HOUR_MS = 3_600_000
GIVEN = ("Aiko", "Bram", "Chiara", "Dilan", "Edda", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kaya", "Liv", "Milo")
FAMILY = ("Abel", "Brandt", "Costa", "Dahl", "Eriksen", "Fontaine", "Gruber", "Haas", "Ivanov", "Jansen", "Kovač")


class _Pages(BaseHTTPRequestHandler):
    """Profile pages, and a webhook's receiver."""

    def do_GET(self) -> None:
        robots = self.path == "/robots.txt"
        text = "User-agent: *\nCrawl-delay: 2\n" if robots else f"<title>{self.path[1:]}</title><p>Hello"
        self._answer(text, "text/plain" if robots else "text/html")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer('{"received": true}', "application/json")

    def _answer(self, text: str, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def web_pages() -> Iterator[str]:
    """A web server of other people. Yields its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@dataclass(frozen=True, slots=True)
class Scene:
    """What is in the installation, by the ids that addresses need."""

    job: str
    rehearsal: str
    failure: str
    live_job: str
    live: str
    contact: str
    changed: str
    calendar: str = "office"

    def address(self, screen: str) -> str:
        """Where a screen is."""
        return SCREENS[screen].format(**{name: getattr(self, name) for name in self.__slots__})


SCREENS = {
    "overview": "/",
    "jobs": "/jobs",
    "job": "/jobs/{job}",
    "job-new": "/jobs/new?example=birthday",
    "job-edit": "/jobs/{job}/edit",
    "job-occurrences": "/jobs/{job}/occurrences?at=08:00",
    "job-history": "/jobs/{changed}/revisions?from=1&to=2",
    "job-revision": "/jobs/{changed}/revisions/1",
    "jobs-deleted": "/jobs/deleted",
    "calendars": "/calendars",
    "calendar": "/calendars/{calendar}?year=2027",
    "calendar-edit": "/calendars/{calendar}/edit",
    "clock-changes": "/clock-changes?days=366",
    "runs": "/runs",
    "run": "/jobs/{job}/runs/{rehearsal}",
    "run-failed": "/jobs/{job}/runs/{failure}",
    "run-live": "/jobs/{live_job}/runs/{live}",
    "contacts": "/contacts",
    "duplicates": "/contacts/duplicates",
    "contact": "/contacts/{contact}",
    "contact-new": "/contacts/new",
    "access": "/access",
    "access-key-new": "/access/keys/new",
    "access-sessions": "/access/sessions",
    "access-audit": "/access/audit",
    "not-found": "/nothing/here",
}
"""Name -> address, of all that one sees signed in once something is there. Before: `sign-in` and `welcome`."""


def fill(installation: Installation, web: str) -> Scene:
    """People, jobs, and runs of the last days.

    Args:
        web: other people's web server.
    """
    chance = random.Random(1)
    contact = _people(installation, web, chance)
    _keys(installation)
    _calendars(installation)
    greet = _job(
        installation, "Birthday greetings", "birthday", "daily",
        {"hour": 8, "minute": 0, "timezone": "Europe/Vienna"},
        {"dry_run": True, "today": "2025-04-12", "process_late": True},
        description="Greets everybody in the address book, in their language.",
    )  # fmt: skip
    mail = _job(
        installation, "Greetings by mail, for the team", "birthday", "cron", {"cron_expression": "0 8-18/2 * * 1-5"}, {}
    )
    hook = _job(
        installation, "Tell the wallboard", "webhook", "interval", {"hours": 1}, {"url": f"{web}/wallboard"},
    )  # fmt: skip
    visit = _job(
        installation, "Profile rounds", "visitor", "weekly",
        {"hour": 14, "minute": 30, "day_of_week": "mon,wed,fri"}, {"limit": 60},
        options={"calendar": "office", "on_closed": "next_open"}, labels={"team": "crm"},
    )  # fmt: skip
    _job(
        installation, "Count at night", "webhook", "daily", {"hour": 2, "minute": 30, "timezone": "Europe/Vienna"},
        {"url": f"{web}/count"}, labels={"team": "sales"},
    )  # fmt: skip
    off = _job(
        installation, "Old newsletter", "webhook", "daily", {"hour": 6, "minute": 15}, {"url": f"{web}/news"},
    )  # fmt: skip
    assert installation.call("POST", f"/jobs/{off}/toggle", {"enabled": False})[0] == 200
    assert installation.call("PUT", f"/jobs/{off}", _later(web), headers={"X-Change-Note": "with more help"})[0] == 200
    gone = _job(installation, "Trial of the newsletter", "webhook", "daily", {"hour": 7, "minute": 0}, {"url": web})
    assert installation.call("DELETE", f"/jobs/{gone}")[0] == 204
    rehearsals = _past_runs(installation, greet, 15, 24, chance)
    failures = _past_runs(installation, mail, 6, 2, chance)
    _past_runs(installation, hook, 22, 1, chance)
    failure = _failure(installation, greet)
    live = installation.run_now(visit)
    installation.until_status(visit, live, "running")
    until(lambda: len(installation.call("GET", f"/jobs/{visit}/runs/{live}/log")[1]["lines"]) > 2, 60)
    assert failures
    return Scene(greet, rehearsals[0], failure, visit, live, contact, off)


def _later(web: str) -> dict[str, Any]:
    """A job's definition, changed in several fields."""
    return {
        "name": "Old newsletter", "bot_type": "webhook", "enabled": False, "schedule_type": "daily",
        "schedule_config": {"hour": 18, "minute": 30},
        "bot_config": {"url": f"{web}/news", "headers": {"X-Edition": "evening"}}, "options": {"max_retries": 5},
    }  # fmt: skip


def _people(installation: Installation, web: str, chance: random.Random) -> str:
    book = (ROOT / "examples" / "contacts.vcf").read_bytes()
    assert installation.call("POST", "/contacts/import", book)[0] == 200
    today = datetime.now(UTC).date()
    made = ""
    for number in range(60):
        name = f"{GIVEN[number % len(GIVEN)]} {FAMILY[number % len(FAMILY)]}"
        born = (today + timedelta(days=number * 3 % 365)).replace(year=1960 + chance.randrange(40), day=5 + number % 20)
        body = {
            "name": name,
            "given_name": name.split()[0],
            "birthday": born.isoformat(),
            "emails": [f"{name.split()[0].lower()}{number}@example.org"],
            "urls": [f"{web}/{name.replace(' ', '-')}"],
            "language": chance.choice(["en", "de", "fr", "es"]),
        }
        status, contact = installation.call("POST", "/contacts", body)
        assert status == 201, contact
        made = made or str(contact["id"])
        if number == 1:
            twin = {
                "name": ", ".join(reversed(name.split(" ", 1))),
                "birthday": body["birthday"],
                "emails": ["b@x.org"],
            }
            assert installation.call("POST", "/contacts", twin)[0] == 201
    return made


def _keys(installation: Installation) -> None:
    """Keys of a small team."""
    team = {"labels": {"team": ["crm"]}, "bot_types": ["birthday", "webhook"]}
    for name, scopes, terms in (
        ("Aiko on call", ["read", "run"], {"note": "Weekdays from 8 to 18"}),
        ("Bram, editor of the greetings", ["read", "run", "write"], team),
        ("Nightly export", ["read", "contacts"], {"expires_at": "2030-01-01T00:00:00"}),
    ):
        status, key = installation.call("POST", "/keys", {"name": name, "scopes": scopes, **terms})
        assert status == 201, key
    assert installation.call("POST", f"/keys/{key['id']}/rotate", {"overlap_seconds": 3600})[0] == 200


def _calendars(installation: Installation) -> None:
    """Days off of an office, and days of maintenance that run out."""
    for calendar in (
        {
            "name": "office", "description": "Our office in Vienna", "weekdays_off": ["sat", "sun"], "country": "AT",
            "ranges": [{"from": "2027-12-24", "to": "2028-01-02", "why": "Winter break"}], "dates": ["2027-05-14"],
            "open_hours": {"from": "07:00", "to": "19:00"},
        },
        {"name": "maintenance", "dates": ["2026-03-02", "2026-06-01"]},
        {"name": "munich", "weekdays_off": ["sun"], "country": "DE", "subdivision": "BY"},
    ):  # fmt: skip
        assert installation.call("POST", "/calendars", calendar)[0] == 201


def _job(
    installation: Installation,
    name: str,
    bot: str,
    kind: str,
    schedule: dict[str, Any],
    config: dict[str, Any],
    **fields: Any,
) -> str:
    return installation.make_job(
        name=name, bot_type=bot, schedule_type=kind, schedule_config=schedule, bot_config=config, **fields
    )


def _failure(installation: Installation, job_id: str) -> str:
    """A run that asks for what there is not: nobody has said how messages go out."""
    run_id = installation.run_now(job_id, {"bot_config": {"dry_run": False, "today": None}})
    installation.until_status(job_id, run_id, "failed")
    return run_id


def _past_runs(
    installation: Installation, job_id: str, count: int, every_hours: int, chance: random.Random
) -> list[str]:
    """Real runs, put back in time as if the schedule had started them."""
    runs = [installation.run_now(job_id) for _ in range(count)]
    for run_id in runs:
        installation.until_status(job_id, run_id, "success", "failed")
    newest_first = runs[::-1]
    for number, run_id in enumerate(newest_first):
        _put_back(installation, run_id, (number + 1) * every_hours * HOUR_MS, chance)
    key = installation.keys.runs
    ordered = sorted(
        (run.decode() if isinstance(run, bytes) else run for run in installation.client.lrange(key, 0, -1)),
        key=lambda run: int(installation.client.hget(installation.keys.run(run), "queued_at") or 0),
        reverse=True,
    )
    installation.client.delete(key)
    installation.client.rpush(key, *ordered)
    return newest_first


def _put_back(installation: Installation, run_id: str, by_ms: int, chance: random.Random) -> None:
    key = installation.keys.run(run_id)
    due = int(installation.client.hget(key, "queued_at") or 0) // 60_000 * 60_000 - by_ms
    started = due + chance.randrange(4, 60)
    times: Any = {
        "due": due,
        "queued_at": due + 2,
        "scheduled_for": due // 1000,
        "started_at": started,
        "finished_at": started + int(chance.lognormvariate(5.5, 0.6)),
        "trigger": "schedule",
    }
    installation.client.hset(key, mapping=times)
