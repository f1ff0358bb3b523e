"""Lists, counts and pages for a caller with limits are the same whether others have jobs or not."""

from __future__ import annotations

import base64
import itertools
import json
import time
from typing import Any

import pytest

from service.store.jobs import listing
from service.store.runs import run_views
from service.web.api.openapi.operations import OPERATIONS
from tests.limits.seeing import BEYOND, WITHIN, Seen, masked, unknown
from tests.support.processes import until

LOOKS: dict[str, tuple[str, ...]] = {
    "/scheduler/jobs": (
        "", "limit=1", "limit=50", "enabled_only=true", "q=own", "q=theirs", "bot_type=birthday", "bot_type=visitor",
        "label=team:crm", "label=team:sales", "label=stage:live&limit=2", "state=failing", "state=scheduled&limit=1",
    ),
    "/scheduler/runs": (
        "", "limit=1", "limit=2", "status=failed", "status=queued", "trigger=manual", "label=team:sales",
        "label=stage:live", "since=2020-01-01T00:00:00",
    ),
    "/scheduler/occurrences": tuple(
        f"since=2025-01-01T00:00:00&until=2025-01-03T00:00:00{more}"
        for more in ("", "&label=team:sales", "&label=stage:live", "&fate=coming&limit=1")
    ),
    "/scheduler/export": ("", "format=yaml"),
    "/scheduler/bots": ("",),
    "/scheduler/deleted": ("", "limit=1"),
    "/": ("",),
    "/jobs": ("", "q=theirs", "bot=visitor", "state=failing", "label=team:sales", "label=team:crm"),
    "/jobs/new": ("",),
    "/runs": ("", "status=failed", "label=stage:live"),
    "/export.yaml": ("",),
}  # fmt: skip
"""What shows several jobs: path -> queries."""
CHANGES = {"/scheduler/jobs", "/scheduler/apply", "/scheduler/batch"}
"""What changes several jobs, or makes one: see `test_changes.py`."""
NOT_OF_JOBS = {
    "/scheduler/preview", "/scheduler/contacts", "/scheduler/contacts/import", "/scheduler/contacts/export",
    "/scheduler/contacts/duplicates", "/scheduler/contacts/{contact_id}", "/scheduler/contacts/{contact_id}/merge",
    "/scheduler/messages/test", "/scheduler/acknowledge", "/openapi.json", "/docs", "/docs/{page}.md",
    "/llms.txt", "/scheduler/keys",
    "/scheduler/keys/me", "/scheduler/keys/{key_id}", "/scheduler/keys/{key_id}/rotate",
    "/scheduler/sessions", "/scheduler/sessions/end", "/scheduler/sessions/{session_id}",
    "/scheduler/calendars", "/scheduler/calendars/{name}", "/scheduler/calendars/{name}/ics",
    "/scheduler/calendars/{name}/days", "/scheduler/pauses", "/scheduler/pauses/{pause_id}",
}  # fmt: skip
NOT_WITH_LIMITS = {
    "/metrics", "/scheduler/health", "/scheduler/audit", "/scheduler/channels", "/scheduler/channels/{name}",
    "/scheduler/channels/{name}/test", "/scheduler/rules", "/scheduler/rules/{rule_id}", "/scheduler/alerts",
    "/scheduler/snoozes", "/scheduler/snoozes/{snooze_id}",
}  # fmt: skip
"""The guard lets no key with limits in; health is open, and tells anybody without a key how many jobs there are."""
PINGS = {"/ping/{token}", "/ping/{token}/start", "/ping/{token}/fail", "/ping/{token}/log"}
"""Of the one job that the key in the address is bound to."""
BY_RUN = {"/scheduler/runs/{run_id}"}
"""Of the one job whose run it is."""
AHEAD = {
    "/scheduler/clock-changes", "/feed/{token}.ics", "/badge/{token}.svg", "/badge/{token}.json", "/status/{token}",
}  # fmt: skip
"""What changes with the clock: see `test_clock_changes.py`, `test_feeds.py` and `test_badges.py`."""


def test_every_operation_of_several_jobs_is_tried() -> None:
    """A new one belongs into one of these lists."""
    several = {path for _, path in OPERATIONS if "{job_id}" not in path}
    looks = {path for path in LOOKS if path.startswith("/scheduler")}
    assert several == looks | CHANGES | NOT_OF_JOBS | NOT_WITH_LIMITS | AHEAD | PINGS | BY_RUN
    assert {path for method, path in OPERATIONS if method != "GET"} & looks <= CHANGES


@pytest.mark.parametrize("beyond", BEYOND)
def test_anothers_run_is_answered_as_one_that_is_not_there(seen: Seen, beyond: str) -> None:
    """By its id alone; an own one is found so."""
    own, nothing = seen.run_ended(seen.make_job("own", **WITHIN)), unknown()
    theirs = seen.run_ended(seen.make_job("theirs", **BEYOND[beyond]))
    expected = masked(seen.limited.simulate_get(f"/scheduler/runs/{nothing}"), nothing)
    assert masked(seen.limited.simulate_get(f"/scheduler/runs/{theirs}"), theirs) == expected and expected[0] == 404
    assert seen.limited.simulate_get(f"/scheduler/runs/{own}").json["id"] == own


def looked(seen: Seen) -> dict[str, Any]:
    """All answers."""
    return {
        f"{path}?{query}": masked(seen.limited.simulate_get(path, query_string=query))
        for path, queries in LOOKS.items()
        for query in queries
    }


def test_nothing_tells_whether_others_have_jobs(seen: Seen) -> None:
    """Each list, page, count, cursor and entity tag is the same with their jobs and after these are gone."""
    theirs: list[str] = []
    own: list[str] = []
    for number, fields in enumerate([*BEYOND.values(), WITHIN, *BEYOND.values(), WITHIN, *BEYOND.values()]):
        job_id = seen.make_job("own" if fields is WITHIN else "theirs", **fields)
        (own if fields is WITHIN else theirs).append(job_id)
        seen.run_ended(job_id)
        if number % 2:
            seen.rig.use.run_now(job_id)
    until(lambda: time.time() % 60 < 45, 30)  # the overview changes with each minute
    among_others = looked(seen)
    assert [job["id"] for job in seen.limited.simulate_get("/scheduler/jobs").json] == own
    for job_id in theirs:
        assert seen.root.simulate_delete(f"/scheduler/jobs/{job_id}").status_code == 204
    alone = looked(seen)
    assert [name for name in alone if alone[name] != among_others[name]] == []
    assert {status for status, _, _ in alone.values()} == {200}
    assert [bot["name"] for bot in seen.limited.simulate_get("/scheduler/bots").json] == ["birthday"]


@pytest.mark.parametrize("query", ["", "status=failed", "label=stage:live", "trigger=manual&status=failed"])
def test_runs_are_found_page_by_page_and_no_cursor_names_anothers(
    seen: Seen, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    """However many runs of others stand between: every own one is found once, and the search ends."""
    monkeypatch.setattr(run_views, "SCAN_PAGE", 2)
    monkeypatch.setattr(run_views, "SCAN_PAGES", 2)
    theirs, own = seen.make_job("theirs", **BEYOND["another team's"]), seen.make_job("own", **WITHIN)
    mine = []
    for gap in (11, 0, 3, 4, 9):
        for _ in range(gap):
            seen.run_ended(theirs)
        mine.append(seen.run_ended(own))
    for _ in range(7):
        seen.run_ended(theirs)
    found: list[str] = []
    cursor = ""
    for _ in range(20):
        answer = seen.limited.simulate_get("/scheduler/runs", query_string=f"limit=2&{query}{cursor}")
        found += [run["id"] for run in answer.json]
        link = answer.headers.get("link")
        if link is None:
            break
        cursor = "&cursor=" + link.partition("cursor=")[2].partition(">")[0]
        assert cursor.removeprefix("&cursor=") in mine
    assert found == mine[::-1]


def test_anothers_run_is_no_place_to_begin(seen: Seen) -> None:
    """As with the id of nothing, whatever the filter."""
    own, theirs = seen.make_job("own", **WITHIN), seen.make_job("theirs", **BEYOND["another bot's"])
    seen.run_ended(own)
    run_id = seen.run_ended(theirs)
    for name, found in itertools.product(("cursor", "job_id"), ("", "&status=failed", "&limit=1")):
        none, other = unknown(), run_id if name == "cursor" else theirs
        expected = masked(seen.limited.simulate_get(f"/scheduler/runs?{name}={none}{found}"), none)
        assert masked(seen.limited.simulate_get(f"/scheduler/runs?{name}={other}{found}"), other) == expected
        assert expected[0] == 200


def test_the_cursor_of_a_page_of_jobs_names_no_job_of_others(seen: Seen) -> None:
    """And the pages lead through all own jobs, of whose number each but the last is full."""
    theirs, own = [], []
    for gap in (5, 0, 9, 3):
        theirs += [seen.make_job("theirs", **BEYOND["nobody's"]) for _ in range(gap)]
        own.append(seen.make_job("own", **WITHIN))
    found: list[str] = []
    path = "/scheduler/jobs?limit=2"
    for _ in range(20):
        answer = seen.limited.simulate_get(path)
        found += [job["id"] for job in answer.json]
        link = answer.headers.get("link")
        if link is None:
            break
        assert len(answer.json) == 2
        path = link.partition("<")[2].partition(">")[0]
        cursor = path.partition("cursor=")[2]
        named = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition(":")[2]
        assert named not in theirs
    assert found == own


def test_the_whole_list_in_pieces_has_the_callers_jobs_alone(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a piece of the list has none of them."""
    monkeypatch.setattr(listing, "CHUNK", 2)
    own = []
    for _ in range(3):
        for _ in range(5):
            seen.make_job("theirs", **BEYOND["nobody's"])
        own.append(seen.make_job("own", **WITHIN))
    assert [job["id"] for job in seen.limited.simulate_get("/scheduler/jobs").json] == own
    exported = json.loads(seen.limited.simulate_get("/scheduler/export").text)
    assert [job["id"] for job in exported["jobs"]] == own
