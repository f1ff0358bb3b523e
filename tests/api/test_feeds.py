"""Calendar feeds over HTTP: who gets in, what a calendar reads, what is sent again, what is told to nobody."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import falcon.testing
import pytest
from icalendar import Calendar
from redis import Redis

from service.domain.access.key_texts import new_text
from service.domain.run_records import Outcome
from service.usecases.foresight import feeds
from tests.support.quiet import quiet_application
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import Rig

JOB: dict[str, Any] = {
    "name": "Zürich, daily; a name that is long enough to be folded: äöüß€漢字🎂 and \\ more",
    "bot_type": "webhook", "bot_config": {"url": "https://example.com/"}, "schedule_type": "daily",
    "schedule_config": {"hour": 8, "minute": 0, "timezone": "Europe/Zurich"},
}  # fmt: skip
ROOT = "the root key of the feeds' test"

Client = falcon.testing.TestClient
Answer = falcon.testing.Result


@pytest.fixture
def app(redis_client: Redis, valkey_server: ValkeyServer) -> Any:
    """The application on an empty server."""
    return quiet_application(valkey_server.url, ROOT)


@pytest.fixture
def client(app: Any) -> Client:
    """Asks with the root key."""
    return Client(app, headers={"X-API-Key": ROOT})


@pytest.fixture
def rig(redis_client: Redis) -> Rig:
    """The same installation, to carry runs out with."""
    return Rig.on(redis_client)


def make_key(client: Client, *scopes: str, **terms: Any) -> dict[str, Any]:
    """Makes a key, by default one for feeds."""
    body = {"name": "a calendar", "scopes": list(scopes) or ["feed"], **terms}
    made: dict[str, Any] = client.simulate_post("/scheduler/keys", json=body).json
    return made


def path_of(made: dict[str, Any]) -> str:
    """The path of a key's feed."""
    return f"/feed/{made['key']}.ics"


def events(answer: Answer) -> dict[str, Any]:
    """The events that a calendar reads, by their titles."""
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/calendar; charset=utf-8")
    found: Any = Calendar.from_ical(answer.content)
    assert not found.errors
    return {str(event["summary"]): event for event in found.walk("VEVENT")}


def test_a_calendar_reads_what_is_to_come(app: Any, client: Client) -> None:
    """A month of occurrences in UTC, under the job's name as it is."""
    job_id = client.simulate_post("/scheduler/jobs", json=JOB).json["id"]
    coming = client.simulate_get(f"/scheduler/jobs/{job_id}/preview?count=100").json["occurrences"]
    answer = Client(app).simulate_get(path_of(make_key(client)))
    calendar: Any = Calendar.from_ical(answer.content)
    found = calendar.walk("VEVENT")
    last = datetime.now(UTC) + timedelta(days=30)
    starts = [f"{event['dtstart'].dt:%Y-%m-%dT%H:%M:%S}" for event in found]
    assert starts in ([at for at in coming if at <= f"{last + late:%Y-%m-%dT%H:%M:%S}"]
                      for late in (timedelta(0), timedelta(minutes=-1)))  # fmt: skip
    assert {str(event["summary"]) for event in found} == {JOB["name"]}
    assert all(event["dtstart"].dt.tzinfo is not None and event["dtstamp"].dt <= datetime.now(UTC) for event in found)
    assert len({str(event["uid"]) for event in found}) == len(found) >= 29
    assert str(calendar["description"]).startswith("Coming occurrences of 30 days, and past runs of 30 days")
    assert "Cut" not in str(calendar["description"])


def test_the_text_keeps_to_the_rfc(app: Any, client: Client) -> None:
    """RFC 5545: lines of 75 octets at most, CRLF (3.1), escapes (3.3.11), UTC (3.3.5), all that must be there."""
    client.simulate_post("/scheduler/jobs", json=JOB)
    raw = Client(app).simulate_get(path_of(make_key(client))).content
    lines = raw.split(b"\r\n")
    assert lines[0] == b"BEGIN:VCALENDAR"
    assert lines[-2:] == [b"END:VCALENDAR", b""]
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, lines)) <= 75
    assert all(line.decode() for line in lines[:-1]), "no character is cut in two"
    text = raw.decode().replace("\r\n ", "")
    assert "SUMMARY:Zürich\\, daily\\; a name that is long enough to be folded: äöüß€漢字🎂 and \\\\ more\r\n" in text
    assert re.search(r"\r\nDTSTART:\d{8}T\d{6}Z\r\n", text)
    body = text.partition("BEGIN:VEVENT")[0]
    assert {"VERSION:2.0", "PRODID:-//Bot Scheduler//Feed//EN"} <= set(body.split("\r\n"))
    assert text.count("BEGIN:VEVENT") == text.count("\r\nUID:") == text.count("\r\nDTSTAMP:")


def test_past_runs_have_their_outcome(app: Any, client: Client, rig: Rig) -> None:
    """An error stays out: it may be about a person."""
    job_id = client.simulate_post("/scheduler/jobs", json={**JOB, "name": "One", "enabled": False}).json["id"]
    for outcome in (Outcome("success"), Outcome("failed", error="of Ana")):
        run_id = client.simulate_post(f"/scheduler/jobs/{job_id}/run").json["run_id"]
        assert rig.runs.finish(run_id, rig.start(run_id), outcome)
    answer = Client(app).simulate_get(path_of(make_key(client)))
    assert set(events(answer)) == {"One: success", "One: failed"}
    assert b"Ana" not in answer.content


def test_labels_and_limits_leave_jobs_out(app: Any, client: Client) -> None:
    """Those of the address, and those of the key; both, where there are both."""
    for name, labels in (("a", {"team": "crm"}), ("b", {"team": "sales"}), ("c", {"team": "crm", "stage": "live"})):
        job_id = client.simulate_post("/scheduler/jobs", json={**JOB, "name": name, "labels": labels}).json["id"]
        client.simulate_post(f"/scheduler/jobs/{job_id}/run")
    whole, crm = path_of(make_key(client)), path_of(make_key(client, labels={"team": ["crm"]}))

    def shown(path: str) -> str:
        names = set(events(Client(app).simulate_get(path)))
        assert {f"{name}: queued" for name in names if ":" not in name} == {name for name in names if ":" in name}
        return "".join(sorted(name for name in names if ":" not in name))

    assert [shown(whole), shown(crm)] == ["abc", "ac"]
    assert [shown(f"{whole}?label=team:sales"), shown(f"{crm}?label=team:sales")] == ["b", ""]
    assert shown(f"{crm}?label=team:crm&label=stage:live") == "c"
    assert Client(app).simulate_get(f"{whole}?label=odd").status_code == 400


def test_an_unchanged_feed_is_not_sent_again(app: Any, client: Client) -> None:
    """304 until a job changes."""
    job = client.simulate_post("/scheduler/jobs", json=JOB).json["id"]
    path, asks = path_of(make_key(client)), Client(app)
    tag = asks.simulate_get(path).headers["ETag"]
    again = asks.simulate_get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    client.simulate_put(f"/scheduler/jobs/{job}", json={"name": "Another"})
    assert asks.simulate_get(path, headers={"If-None-Match": tag}).status_code == 200
    head = asks.simulate_head(path)
    assert (head.status_code, head.content, head.headers["Content-Type"]) == (200, b"", "text/calendar; charset=utf-8")


def test_the_address_is_given_with_the_key_and_opens_nothing_else(app: Any, client: Client) -> None:
    """Behind a proxy it is the one by which the proxy is asked. A rotation gives a new one."""
    made = make_key(client)
    assert made["feed"] == f"http://falconframework.org/feed/{made['key']}.ics"
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "bots.example.com"}
    rotated = client.simulate_post(f"/scheduler/keys/{made['id']}/rotate", headers=forwarded).json
    assert rotated["feed"] == f"https://bots.example.com/feed/{rotated['key']}.ics"
    assert "feed" not in make_key(client, "feed", "read")
    assert "feed" not in client.simulate_get(f"/scheduler/keys/{made['id']}").json
    asks = Client(app)
    assert [asks.simulate_get(path_of(one)).status_code for one in (made, rotated)] == [401, 200]
    sent = asks.simulate_get("/scheduler/jobs", headers={"X-API-Key": rotated["key"]})
    assert sent.status_code == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_feed_is_only_read(app: Any, client: Client, method: str) -> None:
    """Whoever has the address changes nothing."""
    assert Client(app).simulate_request(method, path_of(make_key(client))).status_code == 405


def test_only_a_key_for_feeds_alone_opens_a_feed(app: Any, client: Client) -> None:
    """Neither the root key, nor one that may do more, nor one that is made up, mistyped, revoked, or sent otherwise."""
    good, more, other = make_key(client), make_key(client, "feed", "read"), make_key(client, "read")
    gone = make_key(client)
    assert client.simulate_delete(f"/scheduler/keys/{gone['id']}").status_code == 204
    asks = Client(app)

    def status(text: str, **headers: str) -> int:
        answer = asks.simulate_get(f"/feed/{text}.ics", headers=headers)
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        return answer.status_code

    assert status(good["key"]) == 200
    assert [status(more["key"]), status(other["key"])] == [403, 403]
    wrong = (new_text("0000000000"), good["key"][:-1], gone["key"], "x", ROOT.replace(" ", "%20"))
    assert [status(text) for text in wrong] == [401] * 5
    assert client.simulate_get(f"/feed/{new_text('0000000000')}.ics").status_code == 401, "a header does not make up"
    refused = asks.simulate_get("/feed/x.ics")
    assert refused.json == {"detail": "The key in this address is not valid"}


def test_a_wrong_address_is_a_guess(redis_client: Redis, valkey_server: ValkeyServer) -> None:
    """Counted by sender as a wrong key is, and refused beyond the limit."""
    asks = Client(quiet_application(valkey_server.url, ROOT, guess_limit=2))
    statuses = [asks.simulate_get("/feed/x.ics").status_code for _ in range(3)]
    assert statuses == [401, 401, 429]


def test_no_log_tells_the_address(app: Any, client: Client, monkeypatch: pytest.MonkeyPatch,
                                  caplog: pytest.LogCaptureFixture) -> None:  # fmt: skip
    """Not even that of a failure whose message has it."""
    path = path_of(make_key(client))

    def fail(*_: object) -> bytes:
        raise RuntimeError("failed")

    monkeypatch.setattr(feeds.Feeds, "calendar", fail)
    with caplog.at_level(logging.DEBUG):
        assert Client(app).simulate_get(path).status_code == 500
        Client(app).simulate_get(f"/feed/{new_text('0000000000')}.ics")
    assert "GET '/feed/{token}.ics' failed unexpectedly" in caplog.text
    assert "bsk_" not in caplog.text


def test_what_is_cut_is_said(app: Any, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the calendar's description."""
    frequent = {"schedule_type": "interval", "schedule_config": {"minutes": 1}}
    job_id = client.simulate_post("/scheduler/jobs", json={**JOB, **frequent}).json["id"]
    for _ in range(3):
        client.simulate_post(f"/scheduler/jobs/{job_id}/run")
    monkeypatch.setattr(feeds, "RUN_PAGE", 1)
    monkeypatch.setattr(feeds, "RUN_PAGES", 2)
    monkeypatch.setattr("service.domain.foresight.feed_events.COMING", 100)
    answer = Client(app).simulate_get(path_of(make_key(client)))
    calendar: Any = Calendar.from_ical(answer.content)
    assert len(calendar.walk("VEVENT")) == 102
    said = str(calendar["description"])
    assert b"X-WR-CALDESC:Coming occurrences of 30 days\\, and past runs" in answer.content
    assert "Cut: the next 100 occurrences are shown, until " in said
    assert "Cut: only the newest 2 runs are shown." in said
