"""Calendars by the API: what is answered, who may change them, and how documents carry them."""

from __future__ import annotations

from typing import Any

import falcon.testing
import pytest
import yaml
from redis import Redis

from tests.support.quiet import quiet_application
from tests.support.servers.valkey import ValkeyServer

KEY = "the root key of the test of calendars"
OFFICE = {"name": "office", "weekdays_off": ["sat", "sun"], "country": "AT"}
JOB = {
    "name": "a job", "bot_type": "visitor", "schedule_type": "daily",
    "schedule_config": {"hour": 9, "minute": 0, "timezone": "Europe/Vienna"}, "options": {"calendar": "office"},
}  # fmt: skip
FILE = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261224\r\n"
    b"SUMMARY:Eve\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nDTSTART:20261224T080000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


@pytest.fixture
def client(redis_client: Redis, valkey_server: ValkeyServer) -> falcon.testing.TestClient:
    """The root key's client of an empty installation."""
    return falcon.testing.TestClient(quiet_application(valkey_server.url, KEY), headers={"X-API-Key": KEY})


def call(client: Any, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
    answer = client.simulate_request(method, f"/scheduler{path}", json=body, **more)
    return answer.status_code, answer.json if answer.content else None


def test_a_calendars_life(client: Any) -> None:
    status, made = call(client, "POST", "/calendars", OFFICE)
    assert status == 201 and made["weekdays_off"] == ["sat", "sun"] and made["runs_out_on"] is None
    assert call(client, "POST", "/calendars", OFFICE)[0] == 409
    assert call(client, "GET", "/calendars")[1] == [made] == [call(client, "GET", "/calendars/office")[1]]
    status, changed = call(client, "PUT", "/calendars/office", {**made, "description": "Ours"})
    assert (status, changed["revision"]) == (200, made["revision"] + 1)
    status, days = call(client, "GET", "/calendars/office/days", params={"from": "2026-12-24", "until": "2026-12-27"})
    assert status == 200 and days["days"] == [
        {"date": "2026-12-25", "why": "Christmas Day"}, {"date": "2026-12-26", "why": "Saint Stephen's Day"},
        {"date": "2026-12-27", "why": "Sunday"},
    ]  # fmt: skip
    status, job = call(client, "POST", "/jobs", JOB)
    assert status == 201
    status, refused = call(client, "DELETE", "/calendars/office")
    assert (status, refused["detail"]) == (409, f'The calendar office is used by job "a job" ({job["id"]})')
    assert call(client, "DELETE", f"/jobs/{job['id']}")[0] == 204
    assert call(client, "DELETE", "/calendars/office")[0] == 204
    assert call(client, "GET", "/calendars/office")[0] == 404
    actions = [entry["action"] for entry in call(client, "GET", "/audit", params={"action": "calendar"})[1]]
    assert actions == ["calendar.delete", "calendar.update", "calendar.create"]


def test_the_preview_tells_of_closed_and_moved_occurrences(client: Any) -> None:
    call(client, "POST", "/calendars", OFFICE)
    body = {**{name: JOB[name] for name in ("schedule_type", "schedule_config")}, "count": 1}
    asked = {**body, "options": {"calendar": "office"}, "from": "2026-12-24T12:00:00"}
    status, found = call(client, "POST", "/preview", asked)
    assert (status, found["occurrences"]) == (200, ["2026-12-28T08:00:00"])
    assert [one.get("closed") for one in found["details"]] == ["Christmas Day", "Saint Stephen's Day", "Sunday", None]
    sunday = {"schedule_type": "weekly", "schedule_config": {"hour": 9, "minute": 0, "day_of_week": "sun"}}
    moved = {**sunday, "options": {"calendar": "office", "on_closed": "next_open"}, "from": "2026-11-26T00:00:00"}
    _, found = call(client, "POST", "/preview", {**moved, "count": 1})
    assert found["details"] == [{
        "at": "2026-11-30T09:00:00", "local": "2026-11-30T09:00:00+00:00", "scheduled_for": "2026-11-30T09:00:00",
        "moved_from": "2026-11-29T09:00:00",
    }]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("/calendars", {"cursor": "No Name"}, "cursor"),
        ("/calendars/office/days", {"from": "today"}, "from"),
        ("/calendars/office/days", {"from": "2026-01-01", "until": "2025-01-01"}, "until"),
        ("/calendars/office/days", {"from": "0001-01-01", "until": "9999-12-31"}, "until"),
    ],
)
def test_a_bad_query_is_named(client: Any, path: str, query: dict[str, str], field: str) -> None:
    call(client, "POST", "/calendars", OFFICE)
    status, refused = call(client, "GET", path, params=query)
    assert (status, refused["errors"][0]["field"]) == (400, field)


def test_calendars_are_paged_by_name(client: Any) -> None:
    for name in ("c", "a", "b"):
        call(client, "POST", "/calendars", {"name": name})
    assert [one["name"] for one in call(client, "GET", "/calendars", params={"limit": "2"})[1]] == ["a", "b"]
    found = call(client, "GET", "/calendars", params={"limit": "2", "cursor": "b"})[1]
    assert [one["name"] for one in found] == ["c"]


def test_a_file_adds_its_days_once(client: Any) -> None:
    call(client, "POST", "/calendars", OFFICE)
    headers = {"Content-Type": "text/calendar"}
    for added in (1, 0):
        answer = client.simulate_post("/scheduler/calendars/office/ics", body=FILE, headers=headers)
        assert (answer.status_code, answer.json["added"], answer.json["skipped_total"]) == (200, added, 1)
    assert answer.json["skipped"] == [{"position": 2, "reason": "it is not an all-day event"}]
    assert answer.json["calendar"]["ranges"] == [{"from": "2026-12-24", "to": "2026-12-24", "why": "Eve"}]
    assert client.simulate_post("/scheduler/calendars/office/ics", body=b"hello").status_code == 400
    assert client.simulate_post("/scheduler/calendars/office/ics", body=b"x" * (2**20 + 1)).status_code == 413


def test_a_limited_key_reads_calendars_and_changes_none(client: Any) -> None:
    call(client, "POST", "/calendars", OFFICE)
    terms = {"name": "crm", "scopes": ["read", "write"], "labels": {"team": ["crm"]}}
    headers = {"X-API-Key": call(client, "POST", "/keys", terms)[1]["key"]}
    assert call(client, "GET", "/calendars/office", headers=headers)[0] == 200
    for method, path, body in (
        ("POST", "/calendars", {"name": "other"}),
        ("PUT", "/calendars/office", {"description": "mine"}),
        ("DELETE", "/calendars/office", None),
        ("POST", "/apply", {"version": 1, "jobs": [], "calendars": [{"name": "x"}]}),
    ):  # fmt: skip
        assert call(client, method, path, body, headers=headers)[0] == 403, (method, path)


def test_documents_carry_calendars(client: Any) -> None:
    """What is exported can be applied to an empty installation, and applying it again changes nothing."""
    call(client, "POST", "/calendars", OFFICE)
    job = call(client, "POST", "/jobs", JOB)[1]
    document = call(client, "GET", "/export")[1]
    text = client.simulate_get("/scheduler/export", params={"format": "yaml"}).text
    assert yaml.safe_load(text)["calendars"] == document["calendars"]
    assert call(client, "POST", "/apply", document)[1]["changes"] == []
    call(client, "DELETE", f"/jobs/{job['id']}")
    call(client, "DELETE", "/calendars/office")
    status, plan = call(client, "POST", "/apply", document, params={"dry_run": "true"})
    assert status == 200 and [(one.get("kind"), one["name"]) for one in plan["changes"]] == [
        ("calendar", "office"), (None, "a job"),
    ]  # fmt: skip
    assert call(client, "GET", "/calendars")[1] == []
    assert call(client, "POST", "/apply", document)[0] == 200
    assert call(client, "GET", "/export")[1]["calendars"] == document["calendars"]
    changed = {**document, "calendars": [{**document["calendars"][0], "weekdays_off": ["sun"]}]}
    (change,) = call(client, "POST", "/apply", changed)[1]["changes"]
    assert change["fields"] == {"weekdays_off": {"from": ["sat", "sun"], "to": ["sun"]}}


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"calendars": {}}, "calendars"),
        ({"calendars": [{"name": "a"}, {"name": "a"}]}, "calendars[1].name"),
        ({"calendars": [{"name": "a", "dates": ["x"]}]}, "calendars[0].dates[0]"),
        ({"jobs": [JOB]}, "jobs[0].options.calendar"),
    ],
)
def test_a_document_is_refused_whole(client: Any, document: dict[str, Any], field: str) -> None:
    status, refused = call(client, "POST", "/apply", {"version": 1, "jobs": [], **document})
    assert (status, refused["errors"][0]["field"]) == (400, field)
    assert call(client, "GET", "/calendars")[1] == []


def test_a_dry_run_only_tells(client: Any) -> None:
    """The calendar, its revision and the audit log stay; a reader and a limited key are refused as for the change."""
    call(client, "POST", "/calendars", OFFICE)
    job = call(client, "POST", "/jobs", JOB)[1]["id"]
    before = [call(client, "GET", path) for path in ("/calendars/office", "/audit")]
    dry = {"params": {"dry_run": "true", "days": "14"}}
    status, told = call(client, "PUT", "/calendars/office", {"weekdays_off": []}, **dry)
    assert (status, told["dry_run"], told["jobs"]) == (200, True, {"total": 1, "looked_at": 1})
    calendar, change = told["changes"]
    assert calendar["fields"] == {"weekdays_off": {"from": ["sat", "sun"], "to": []}}
    gained, lost = (change["occurrences"][side]["count"] for side in ("gained", "lost"))
    assert (change["id"], gained > 0, lost) == (job, True, 0)
    assert [call(client, "GET", path) for path in ("/calendars/office", "/audit")] == before
    assert call(client, "PUT", "/calendars/office", {}, params={"dry_run": "true", "days": "367"})[0] == 400
    for terms in ({"scopes": ["read"]}, {"scopes": ["write"], "bot_types": ["visitor"]}):
        status, key = call(client, "POST", "/keys", {"name": "another", **terms})
        assert status == 201, key
        headers = {"X-API-Key": key["key"]}
        assert call(client, "PUT", "/calendars/office", {"weekdays_off": []}, headers=headers, **dry)[0] == 403


def test_a_change_may_name_the_revision_that_it_was_made_for(client: Any) -> None:
    """By `If-Match`, as for jobs: of two people who change the same one, the second is refused and nothing is lost."""
    made = client.simulate_post("/scheduler/calendars", json=OFFICE)
    tag = made.headers["ETag"]
    assert tag == f'"{made.json["revision"]}"' == client.simulate_get("/scheduler/calendars/office").headers["ETag"]
    first = client.simulate_put("/scheduler/calendars/office", json={"description": "A"}, headers={"If-Match": tag})
    assert first.status_code == 200 and first.headers["ETag"] != tag
    late = {"headers": {"If-Match": tag}}
    assert call(client, "PUT", "/calendars/office", {"description": "B"}, **late)[0] == 412
    assert call(client, "PUT", "/calendars/office", {"description": "B"}, params={"dry_run": "true"}, **late)[0] == 412
    status, refused = call(client, "DELETE", "/calendars/office", **late)
    assert (status, refused["detail"].split(";")[0]) == (412, "Calendar office has changed")
    assert call(client, "GET", "/calendars/office")[1]["description"] == "A"
    assert call(client, "DELETE", "/calendars/office", headers={"If-Match": first.headers["ETag"]})[0] == 204


def test_a_document_of_calendars_alone_is_applied(client: Any) -> None:
    """With `prune`, it would delete all jobs, so that it is refused."""
    job = call(client, "POST", "/jobs", {**JOB, "options": {}})[1]
    document = {"version": 1, "calendars": [OFFICE]}
    status, refused = call(client, "POST", "/apply", document, params={"prune": "true"})
    assert (status, [error["field"] for error in refused["errors"]]) == (400, ["jobs"])
    assert call(client, "GET", "/calendars")[1] == []
    status, done = call(client, "POST", "/apply", document)
    assert (status, [change["kind"] for change in done["changes"]]) == (200, ["calendar"])
    assert call(client, "GET", f"/jobs/{job['id']}")[0] == 200
    text = b"version: 1\ncalendars:\n- {name: office, weekdays_off: [sun], country: AT}\n"
    dry = client.simulate_post("/scheduler/apply", body=text, params={"dry_run": "true"})
    assert dry.status_code == 200 and dry.json["jobs"] == {"total": 0, "looked_at": 0}
    assert dry.json["changes"][0]["closed_days"]["lost"]["count"] > 40


def test_a_file_says_in_which_encoding_it_is(client: Any) -> None:
    call(client, "POST", "/calendars", OFFICE)
    path, content = "/scheduler/calendars/office/ics", FILE.replace(b"Eve", b"Mari\xe4")
    answer = client.simulate_post(path, body=content, headers={"Content-Type": "text/calendar"})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (400, "body")
    assert "must be UTF-8" in answer.json["detail"] and "charset=" in answer.json["detail"]
    answer = client.simulate_post(path, body=content, headers={"Content-Type": "text/calendar; charset=klingon"})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (400, "charset")
    headers = {"Content-Type": 'text/calendar; charset="iso-8859-1"'}
    before = call(client, "GET", "/calendars/office")
    answer = client.simulate_post(path, body=content, headers=headers, params={"dry_run": "true"})
    assert (answer.status_code, answer.json["file"]["added"], answer.json["dry_run"]) == (200, 1, True)
    assert call(client, "GET", "/calendars/office") == before
    answer = client.simulate_post(path, body=content, headers=headers)
    assert answer.json["calendar"]["ranges"][0]["why"] == "Mariä"
