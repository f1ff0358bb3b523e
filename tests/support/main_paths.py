"""What an installation is there for, done once each: for tests of who may do it, or of what it leaves."""

from __future__ import annotations

import base64
import http.client
from datetime import UTC, datetime
from typing import Any

from tests.support.api import Api
from tests.support.installation import API_KEY, Installation
from tests.support.processes import until
from tests.support.servers.address_books import Radicale, person
from tests.support.servers.sites import Site, html

CARDS = "".join(
    f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nEMAIL:{uid}@example.org\r\nBDAY:1990-04-12\r\nEND:VCARD\r\n"
    for uid, name in (("one", "Robin One"), ("two", "Robin Two"))
).encode()


def schedule_and_run(service: Installation) -> str:
    """Has a job come due, fail and be tried again, be cancelled, edited, listed, exported and deleted."""
    ticking = service.make_job(schedule_config={"seconds": 1}, bot_config={"mode": "talk"})
    until(lambda: [run["status"] for run in service.history(ticking)].count("success") >= 2, 40)
    assert service.call("POST", f"/jobs/{ticking}/toggle", {"enabled": False})[0] == 200
    failing = service.make_job(
        bot_config={"mode": "raise"},
        options={"max_retries": 1, "retry_delay_seconds": 1, "disable_after_failures": 2},
    )
    body = {"Idempotency-Key": "once"}
    assert service.call("POST", f"/jobs/{failing}/run", headers=body)[0] == 202
    until(lambda: [run["status"] for run in service.history(failing)] == ["failed", "failed"], 40)
    service.call("POST", f"/jobs/{failing}/toggle", {"enabled": True})
    queued = service.make_job(bot_config={"seconds": 300, "mode": "heed"}, options={"overlap": "queue"})
    first, second = (service.run_now(queued) for _ in range(2))
    service.until_status(queued, first, "running")
    for run in (second, first):
        assert service.call("POST", f"/jobs/{queued}/runs/{run}/cancel")[0] in (200, 202)
        service.until_status(queued, run, "cancelled")
    until(lambda: service.is_healthy(), 10)
    dying = service.make_job(bot_config={"mode": "die"})
    service.until_status(dying, service.run_now(dying), "failed")
    _, job = service.call("GET", f"/jobs/{queued}")
    named = {name: job[name] for name in ("bot_type", "schedule_type", "schedule_config", "bot_config")}
    assert service.call("PUT", f"/jobs/{queued}", {**named, "name": "renamed"})[0] == 200
    assert service.call("DELETE", f"/jobs/{queued}")[0] == 204
    for query in ("", f"?cursor={queued}"):
        assert service.call("GET", f"/deleted{query}")[0] == 200
    return ticking


def read_everything(service: Installation, job: str) -> None:
    """Asks every listing and page."""
    for path in (
        "/jobs", "/jobs?limit=5&q=a", "/jobs?enabled=true&sort=name", "/runs", "/runs?status=failed", "/contacts",
        "/health", f"/jobs/{job}", f"/jobs/{job}/history", "/contacts/duplicates", "/bots", f"/jobs/{job}/preview",
        f"/jobs/{job}/occurrences", f"/jobs/{job}/explain?at=08:00",
    ):  # fmt: skip
        status, answer = service.call("GET", path)
        assert status == 200, (path, status, answer)
    for path in ("/scheduler/export", "/scheduler/contacts/export", "/metrics"):
        status, text = page(service, path)
        assert status == 200 and b"Redis" not in text[:200], (path, status, text[:200])


def manage_access(service: Installation) -> None:
    """Makes, lists, changes, rotates and revokes keys; signs in, and ends the session."""
    terms = {"name": "of the main paths", "scopes": ["read"]}
    (first, second) = (service.call("POST", "/keys", terms)[1] for _ in range(2))
    status, found = service.call("GET", f"/keys?limit=1&cursor={first['id']}")
    assert (status, [key["id"] for key in found]) == (200, [second["id"]])
    assert service.call("PUT", f"/keys/{first['id']}", {"note": "changed"})[0] == 200
    rotated = service.call("POST", f"/keys/{first['id']}/rotate")[1]["key"]
    assert Api(service.port, rotated).call("GET", "/keys/me")[0] == 200
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://127.0.0.1:{service.port}"}
    connection.request("POST", "/sign-in", f"key={rotated}", form)
    cookie = str(connection.getresponse().headers["Set-Cookie"]).partition(";")[0]
    assert page(service, "/jobs", Cookie=cookie)[0] == 200
    (session,) = service.call("GET", "/sessions")[1]
    assert service.call("DELETE", f"/sessions/{session['id']}")[0] == 204
    for key in (first, second):
        assert service.call("DELETE", f"/keys/{key['id']}")[0] == 204


def keep_calendars(service: Installation) -> None:
    """Makes, fills, changes and deletes a calendar, and has a job planned by it anew."""
    assert service.call("POST", "/calendars", {"name": "office", "weekdays_off": ["sat"]})[0] == 201
    job = service.make_job(options={"calendar": "office"})
    file = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261224\r\n"
    status, answer = service.call("POST", "/calendars/office/ics", file + b"END:VEVENT\r\nEND:VCALENDAR\r\n")
    assert (status, answer["added"]) == (200, 1), answer
    client: Any = service.client

    def is_planned_anew() -> bool:
        stamp = client.hget(service.keys.calendar("office"), "stamp")
        return bool(client.hget(service.keys.job(job), "calendar") == b"office/" + stamp)

    until(is_planned_anew, 20)
    assert service.call("PUT", "/calendars/office?dry_run=true", {"weekdays_off": []})[0] == 200
    for path in ("/calendars", "/calendars/office", "/calendars/office/days"):
        assert service.call("GET", path)[0] == 200
    assert service.call("DELETE", "/calendars/office")[0] == 409
    assert service.call("DELETE", f"/jobs/{job}")[0] == 204
    assert service.call("DELETE", "/calendars/office")[0] == 204


def pause_jobs(service: Installation) -> None:
    """Makes, lists and ends pauses; lets in what one has held, and has one cancel what was there before."""
    job = service.make_job(schedule_config={"seconds": 1}, labels={"team": "paused"})
    body = {"scope": {"label": {"team": "paused"}}, "reason": "main paths", "on_resume": "all", "cancel_running": True}
    status, made = service.call("POST", "/pauses", body)
    assert status == 201, made
    until(lambda: any("held_by" in run for run in service.call("GET", f"/jobs/{job}/history")[1]), 20)
    for path in ("/pauses", f"/pauses/{made['id']}", f"/pauses?state=active&job_id={job}"):
        assert service.call("GET", path)[0] == 200
    assert service.call("DELETE", f"/pauses/{made['id']}")[0] == 200
    until(lambda: not any("held_by" in run for run in service.call("GET", f"/jobs/{job}/history")[1]), 20)
    assert service.call("DELETE", f"/jobs/{job}")[0] == 204


def plan_every_type(service: Installation) -> None:
    """Plans a job of each further type, and has one come due for the last time and be deleted after that."""
    evening = {"hour": 20, "minute": 0}
    for kind, config in (
        ("daily", {**evening, "every": 3}), ("weekly", {**evening, "day_of_week": "tue", "every": 2}),
        ("monthly", {**evening, "day": "last_workday"}), ("rrule", {"rrule": "FREQ=DAILY;BYHOUR=20"}),
        ("cron", {"cron_expression": "@daily"}),
        ("any", {"schedules": [{"schedule_type": "daily", "schedule_config": evening}]}),
    ):  # fmt: skip
        job = service.make_job(schedule_type=kind, schedule_config=config)
        assert service.call("GET", f"/jobs/{job}/preview")[0] == 200
        assert service.call("DELETE", f"/jobs/{job}")[0] == 204
    client: Any = service.client
    soon = datetime.fromtimestamp(int(client.time()[0]) + 10, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    last = service.make_job(
        schedule_type="once", schedule_config={"at": soon}, options={"delete_after_seconds": 5},
    )  # fmt: skip
    until(lambda: service.call("GET", f"/jobs/{last}")[0] == 404, 150)
    assert last in [job["id"] for job in service.call("GET", "/deleted")[1]]


def page(service: Api, path: str, **headers: str) -> tuple[int, bytes]:
    """One page as a browser asks for it, signed in by its password."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
    secret = base64.b64encode(f"any:{API_KEY}".encode()).decode()
    connection.request("GET", path, headers={"Authorization": f"Basic {secret}", "X-API-Key": API_KEY, **headers})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, text


def show_rq_dashboard(service: Installation) -> None:
    """Every page and table of rq-dashboard."""
    queue = service.keys.queue_name
    run = next(key.decode().rpartition(":")[2] for key in service.client.scan_iter("rq:job:*"))
    kinds = ("queued", "failed", "finished", "started", "canceled", "scheduled", "deferred")
    for path in (
        "/", "/0/view/queues", "/0/view/workers", "/0/view/jobs", f"/0/view/job/{run}", "/0/data/queues.json",
        "/0/data/workers.json", f"/0/data/job/{run}.json",
        *(f"/0/{what.format(queue=queue, kind=kind)}" for kind in kinds
          for what in ("view/jobs/{queue}/{kind}/8/asc/1", "data/jobs/{queue}/{kind}/8/asc/1.json")),
    ):  # fmt: skip
        status, text = page(service, f"/rq{path}")
        assert status < 400, (path, status, text[:300])


def follow_a_log(service: Installation) -> None:
    """Follows a run's log from its start to its end, and waits for another."""
    job = service.make_job(bot_config={"seconds": 1, "mode": "talk"})
    run = service.run_now(job)
    status, text = page(service, f"/scheduler/jobs/{job}/runs/{run}/log", Accept="text/event-stream")
    assert status == 200 and b"line 2" in text, text
    status, ended = service.call("POST", f"/jobs/{job}/run?wait=25")
    assert (status, ended["status"]) == (200, "success"), ended


def write_the_address_book(service: Installation) -> None:
    """Imports, merges, edits, deletes and erases contacts."""
    status, report = service.call("POST", "/contacts/import", CARDS)
    assert (status, report["created"]) == (200, 2), report
    _, made = service.call("POST", "/contacts", {"name": "Kim", "birthday": "--04-12"})
    _, other = service.call("POST", "/contacts", {"name": "Kim Twice"})
    status, answer = service.call("POST", f"/contacts/{made['id']}/merge", {"from": [other["id"]]})
    assert status == 200, answer
    assert service.call("PUT", f"/contacts/{made['id']}", {"name": "Kim Else"})[0] == 200
    assert service.call("DELETE", f"/contacts/{made['id']}")[0] == 204
    _, erased = service.call("POST", "/contacts", {"name": "Sam Once", "emails": ["sam@example.org"]})
    status, answer = service.call("DELETE", f"/contacts/{erased['id']}?erase=true")
    assert status == 200, answer


def run_bots(service: Installation, site: Site, book: Radicale) -> None:
    """A visit, greetings and their rehearsal, an address book kept in step."""
    path = book.make_book("people", "People")
    book.put(f"{path}a.vcf", person("a", "BDAY:1990-04-12", "EMAIL:a@example.org"))
    book.put(f"{path}broken.vcf", person("b", "BDAY:1990-04-12"))
    site.answers["/ada"] = html("one")
    service.call("POST", "/contacts", {"name": "Ada", "urls": [f"{site.address}/ada"]})
    for bot, config in (
        ("contacts_sync", {"dry_run": True}), ("contacts_sync", {}), ("birthday", {"dry_run": True}), ("birthday", {}),
        ("visitor", {}),
    ):  # fmt: skip
        job = service.make_job(bot_type=bot)
        status, run = service.call("POST", f"/jobs/{job}/run?wait=25", {"bot_config": config})
        assert (status, run["status"]) == (200, "success"), run
    book.delete(f"{path}broken.vcf")
    job = service.make_job(bot_type="contacts_sync")
    assert service.call("POST", f"/jobs/{job}/run?wait=25")[1]["status"] == "success"


def repair_the_clock(service: Installation) -> None:
    """As if the clock had been an hour ahead while nobody watched."""
    service.kill("scheduler")
    now = int(service.client.time()[0]) * 1000
    service.client.hset(service.keys.clock, mapping={"seen": now + 3_600_000, "acted": now + 3_600_000})
    service.start("scheduler")
    until(lambda: service.call("GET", "/health")[1].get("clock_stepped") is not None, 30)
    assert service.call("POST", "/acknowledge")[0] == 200
    until(lambda: service.is_healthy(), 30)
