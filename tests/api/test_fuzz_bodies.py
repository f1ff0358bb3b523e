"""No body, parameter or id makes a 500 anywhere behind the HTTP layer either: the whole service on a real server."""

from __future__ import annotations

import json
from typing import Any

import falcon.testing
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from service.asgi import assemble
from service.settings import Settings

pytestmark = pytest.mark.slow(reason="hundreds of generated requests go to the whole service")

KEY = "k"
JOB: dict[str, Any] = {
    "name": "A job",
    "bot_type": "birthday",
    "schedule_type": "daily",
    "schedule_config": {"hour": 8, "minute": 0},
}
CONTACT: dict[str, Any] = {"name": "Ann", "birthday": "1990-04-12", "emails": ["ann@example.org"]}
SCHEDULE_FIELDS = ["hour", "minute", "day_of_week", "hours", "minutes", "seconds", "cron_expression", "timezone"]
OPTION_FIELDS = [
    "max_concurrent_runs",
    "overlap",
    "misfire_grace_seconds",
    "catch_up",
    "timeout_seconds",
    "max_retries",
    "retry_delay_seconds",
    "starts_at",
    "ends_at",
    "jitter_seconds",
    "disable_after_failures",
    "alert_urls",
    "ping_urls",
    "expect",
]
CONTACT_FIELDS = [
    "id",
    "name",
    "given_name",
    "family_name",
    "birthday",
    "emails",
    "phones",
    "urls",
    "language",
    "source",
    "last_messaged_at",
    "last_visited_at",
    "page",
]

odd_texts = st.sampled_from(
    [
        "",
        " ",
        "\u0000",
        "ä😀",
        "../../etc/passwd",
        "/etc/localtime",
        "UTC",
        "Europe/Berlin",
        "posixrules",
        "Factory",
        ".",
        "mon,tue",
        "mon,,",
        "xyz",
        "* * * * *",
        "0 0 30 2 *",
        "*/0 * * * *",
        "60 * * * *",
        "0 0 L * *",
        "0 0 * * 5#9",
        "99999999999999999999 * * * *",
        "1-99999999 * * * *",
        "2025-01-01T00:00:00",
        "2025-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "9999-12-31T23:59:59",
        "2025-02-30T00:00:00",
        "2025-01-01T00:00:00+99:99",
        "1990-04-12",
        "--02-29",
        "--13-01",
        "0000-01-01",
        "skip",
        "queue",
        "all",
        "none",
        "env:BOT_SECRET_X",
        "env:API_KEY",
        "http://x",
        "ann@example.org",
        "mailto:x",
        "x" * 3000,
        "٣",
        "Ann\nBcc: x@y",
    ]
)
odd_numbers = st.sampled_from(
    [0, -1, 1, 7, 8, 59, 60, 366, 10**6, 10**12, 2**31, 2**62, 2**63 - 1, -(2**63), 1.5, -0.0, 1e308]
)
odd = st.recursive(
    odd_texts | odd_numbers | st.booleans() | st.none() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(odd_texts, inner, max_size=2),
    max_leaves=4,
)


def changes(fields: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Some of the fields with odd values."""
    return st.dictionaries(st.sampled_from(fields), odd, max_size=4)


def schedules() -> st.SearchStrategy[dict[str, Any]]:
    """Schedules, half sensible."""
    return st.fixed_dictionaries(
        {
            "schedule_type": st.sampled_from(["daily", "weekly", "interval", "cron"]) | odd,
            "schedule_config": changes(SCHEDULE_FIELDS) | odd,
        },
        optional={"options": changes(OPTION_FIELDS) | odd},
    )


job_changes = st.one_of(
    schedules(),
    st.dictionaries(
        st.sampled_from([*JOB, "description", "enabled", "bot_config", "options", "labels", "id", "x"]), odd, max_size=3
    ),
    st.fixed_dictionaries({"options": changes(OPTION_FIELDS)}),
    st.fixed_dictionaries(
        {
            "bot_type": st.sampled_from(["birthday", "visitor"]),
            "bot_config": changes(
                ["dry_run", "process_late", "max_days_late", "max_messages_per_run", "limit", "today", "leap_day", "x"]
            )
            | odd,
        }
    ),
)


class Installation:
    """The service, one job and one contact in it."""

    def __init__(self, url: str) -> None:
        app = assemble(Settings.model_validate({"redis_url": url, "api_key": KEY}))
        self.client = falcon.testing.TestClient(app, headers={"X-API-Key": KEY})
        self.job_id = self.client.simulate_post("/scheduler/jobs", json=JOB).json["id"]
        self.contact_id = self.client.simulate_post("/scheduler/contacts", json=CONTACT).json["id"]

    def ask(self, method: str, path: str, body: Any = None, query: dict[str, str] | None = None) -> int:
        """Asks, and checks what holds for every answer."""
        answer = self.client.simulate_request(
            method,
            path.format(job=self.job_id, contact=self.contact_id),
            body=None if body is None else json.dumps(body).encode(),
            params=query,
        )
        assert answer.status_code < 500, (answer.status_code, answer.text)
        if answer.status_code >= 400:
            assert answer.json["detail"].strip()
        if answer.status_code == 400:
            assert answer.json["errors"]
        return answer.status_code


@pytest.fixture
def installation(redis_client: Redis, valkey_server: Any) -> Installation:
    return Installation(valkey_server.url)


fuzz = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@fuzz
@given(change=job_changes)
def test_no_job_makes_a_500(installation: Installation, change: dict[str, Any]) -> None:
    """Created, changed and previewed with odd values; what was taken can be read, put back and previewed."""
    created = installation.ask("POST", "/scheduler/jobs", {**JOB, **change})
    assert created in (201, 400)
    changed = installation.ask("PUT", "/scheduler/jobs/{job}", change)
    assert changed in (200, 400)
    assert installation.ask("GET", "/scheduler/jobs/{job}/preview") == 200
    job = installation.client.simulate_get(f"/scheduler/jobs/{installation.job_id}").json
    assert installation.ask("PUT", "/scheduler/jobs/{job}", job) == 200
    installation.ask("POST", "/scheduler/jobs/{job}/run", {"bot_config": change.get("bot_config", {})})
    installation.ask("POST", "/scheduler/jobs/{job}/toggle", change)
    assert installation.ask("GET", "/scheduler/jobs") == 200


@fuzz
@given(schedule=schedules(), more=st.dictionaries(st.sampled_from(["from", "count", "x"]), odd, max_size=2))
def test_no_preview_makes_a_500(installation: Installation, schedule: dict[str, Any], more: dict[str, Any]) -> None:
    """Whatever the schedule, options, `from` and `count`."""
    assert installation.ask("POST", "/scheduler/preview", {**schedule, **more}) in (200, 400)


@fuzz
@given(change=changes(CONTACT_FIELDS))
def test_no_contact_makes_a_500(installation: Installation, change: dict[str, Any]) -> None:
    """Created and changed with odd values; what was taken can be read and put back."""
    assert installation.ask("POST", "/scheduler/contacts", {**CONTACT, **change}) in (201, 400, 409)
    assert installation.ask("PUT", "/scheduler/contacts/{contact}", change) in (200, 400, 409)
    contact = installation.client.simulate_get(f"/scheduler/contacts/{installation.contact_id}").json
    assert installation.ask("PUT", "/scheduler/contacts/{contact}", contact) == 200
    assert installation.ask("GET", "/scheduler/contacts") == 200


LINES = st.sampled_from(
    [
        b"BEGIN:VCARD",
        b"END:VCARD",
        b"VERSION:3.0",
        b"VERSION:4.0",
        b"VERSION:2.1",
        b"FN:Ann",
        b"N:B;A;;;",
        b"UID:x",
        b"BDAY:1990-04-12",
        b"BDAY:--0229",
        b"BDAY;VALUE=text:circa 1800",
        b"BDAY:99999999",
        b"EMAIL:a@b.c",
        b"TEL:+1",
        b"URL:http://x",
        b"PHOTO;ENCODING=b:AAAA",
        b" folded",
        b"FN;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:=FF=",
        b"FN;CHARSET=none:x",
        b"\xff\xfe",
        b"",
        b":",
        b";",
        b"a.FN:x",
        b"name,birthday,email",
        b"Ann,1990-04-12,a@b.c",
        b'"Ann',
        b"\x00",
        b"item1.URL:x",
    ]
)


@fuzz
@given(file=st.lists(LINES, max_size=14).map(b"\r\n".join) | st.binary(max_size=200))
def test_no_address_book_makes_a_500(installation: Installation, file: bytes) -> None:
    """Imported or refused; and the list of contacts can be read afterwards."""
    for content in (file, b"BEGIN:VCARD\r\n" + file, b"name,birthday,email\r\n" + file):
        answer = installation.client.simulate_post("/scheduler/contacts/import", body=content)
        assert answer.status_code in (200, 400), answer.text
    assert installation.ask("GET", "/scheduler/contacts") == 200


@fuzz
@given(
    path=st.sampled_from(
        ["/scheduler/jobs", "/scheduler/jobs/{job}/history", "/scheduler/jobs/{job}/preview", "/scheduler/contacts"]
    ),
    query=st.dictionaries(
        st.sampled_from(["limit", "cursor", "q", "bot_type", "from", "count", "enabled_only"]),
        odd_texts | st.text(st.characters(codec="utf-8"), max_size=8) | st.integers().map(str),
        max_size=3,
    ),
)
def test_no_parameter_makes_a_500(installation: Installation, path: str, query: dict[str, str]) -> None:
    """Cursors, limits, times and texts of any kind."""
    assert installation.ask("GET", path, query=query) in (200, 400)


@fuzz
@given(first=odd_texts | st.text(st.characters(codec="utf-8"), min_size=1, max_size=9), second=odd_texts)
def test_no_id_makes_a_500(installation: Installation, first: str, second: str) -> None:
    """Whatever stands where an id belongs."""
    for method, path in [
        ("GET", "/scheduler/jobs/{a}"),
        ("DELETE", "/scheduler/jobs/{a}"),
        ("GET", "/scheduler/jobs/{a}/history"),
        ("GET", "/scheduler/jobs/{a}/runs/{b}"),
        ("GET", "/scheduler/contacts/{a}"),
        ("DELETE", "/scheduler/contacts/{a}"),
    ]:
        address = path.format(a=first.replace("?", "").replace("#", ""), b=second).replace("?", "")
        answer = installation.client.simulate_request(method, address)
        assert answer.status_code in (200, 404, 405), (method, address, answer.text)
    for path in ("/scheduler/jobs/{job}/runs/", "/scheduler/contacts/"):
        installation.ask("GET", path + "x")
