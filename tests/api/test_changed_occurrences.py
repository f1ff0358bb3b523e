"""`PUT` and `DELETE /scheduler/jobs/{id}/occurrences/{instant}`, and where changes are seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import falcon.testing
import pytest

from service.asgi import assemble
from service.settings import Settings
from tests.support.servers.valkey import ValkeyServer

KEY = "the root key of the test of changed occurrences"
JOB = {
    "name": "a job", "bot_type": "visitor", "schedule_type": "daily",
    "schedule_config": {"hour": 9, "minute": 0, "timezone": "Europe/Vienna"},
}  # fmt: skip


@pytest.fixture
def client(valkey_server: ValkeyServer) -> falcon.testing.TestClient:
    """The root key's client of an empty installation."""
    valkey_server.client().flushall()
    app = assemble(Settings.model_validate({"redis_url": valkey_server.url, "api_key": KEY}))
    return falcon.testing.TestClient(app, headers={"X-API-Key": KEY})


def call(client: Any, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
    answer = client.simulate_request(method, f"/scheduler{path}", json=body, **more)
    return answer.status_code, answer.json if answer.content else None


@pytest.fixture
def job(client: Any) -> dict[str, Any]:
    """A job that is due each day."""
    status, made = call(client, "POST", "/jobs", JOB)
    assert status == 201, made
    return dict(made)


def coming(client: Any, job: dict[str, Any]) -> list[str]:
    """When it runs next, by the preview."""
    return list(call(client, "GET", f"/jobs/{job['id']}/preview", params={"count": "3"})[1]["occurrences"])


def later(timestamp: str, hours: int) -> str:
    moved = datetime.fromisoformat(timestamp).replace(tzinfo=UTC) + timedelta(hours=hours)
    return f"{moved:%Y-%m-%dT%H:%M:%S}"


def test_an_occurrence_is_moved_skipped_and_taken_back(client: Any, job: dict[str, Any]) -> None:
    first, second, third = coming(client, job)
    path = f"/jobs/{job['id']}/occurrences/{first}"
    status, moved = call(client, "PUT", path, {"move_to": f"{later(second, 1)}Z", "reason": "a fair"})
    assert (status, moved["scheduled_for"], moved["moved_to"]) == (200, first, later(second, 1))
    assert moved["edit"]["by"] == {"actor": "root", "name": "root"} and moved["edit"]["reason"] == "a fair"
    assert coming(client, job) == [second, later(second, 1), third]
    assert call(client, "GET", f"/jobs/{job['id']}")[1]["next_run_at"] == second
    details = call(client, "GET", f"/jobs/{job['id']}/preview", params={"count": "2"})[1]["details"]
    assert [(one["at"], one["scheduled_for"], one.get("edit", {}).get("action")) for one in details] == [
        (second, second, None), (later(second, 1), first, "move"),
    ]  # fmt: skip
    status, skipped = call(client, "PUT", path, {"skip": True})
    assert (status, skipped["edit"]["action"], "moved_to" in skipped) == (200, "skip", False)
    details = call(client, "GET", f"/jobs/{job['id']}/preview", params={"count": "1"})[1]["details"]
    assert [(one["at"], one.get("runs", True)) for one in details] == [(first, False), (second, True)]
    assert call(client, "DELETE", path) == (204, None)
    assert call(client, "DELETE", path)[0] == 404
    assert coming(client, job) == [first, second, third]
    assert call(client, "GET", f"/jobs/{job['id']}")[1]["next_run_at"] == job["next_run_at"]
    actions = [one["action"] for one in call(client, "GET", "/audit", params={"action": "occurrence"})[1]]
    assert actions == ["occurrence.restore", "occurrence.skip", "occurrence.move"]


def test_a_time_with_an_offset_in_the_path_is_the_same_instant(client: Any, job: dict[str, Any]) -> None:
    first, *_ = coming(client, job)
    path = f"/jobs/{job['id']}/occurrences/{later(first, 2)}%2B02:00"
    status, answer = call(client, "PUT", path, {"skip": True})
    assert (status, answer.get("scheduled_for")) == (200, first), answer


@pytest.mark.parametrize(
    ("instant", "body", "field"),
    [
        ("2031-01-01T00:00:00", {"skip": True}, "instant"),
        ("never", {"skip": True}, "instant"),
        ("", {"skip": False}, "skip"),
        ("", {"bot_config": {"limit": "x"}}, "bot_config.limit"),
        ("", {"move_to": "2020-01-01T00:00:00"}, "move_to"),
        ("", {"skip": True, "bot_config": {}}, "body"),
    ],
)
def test_bad_input_names_its_field(client: Any, job: dict[str, Any], instant: str, body: Any, field: str) -> None:
    instant = instant or coming(client, job)[0]
    status, answer = call(client, "PUT", f"/jobs/{job['id']}/occurrences/{instant}", body)
    assert (status, answer["errors"][0]["field"]) == (400, field)


def test_if_match_and_unknown_jobs(client: Any, job: dict[str, Any]) -> None:
    first, *_ = coming(client, job)
    path = f"/jobs/{job['id']}/occurrences/{first}"
    assert call(client, "PUT", path, {"skip": True}, headers={"If-Match": '"7"'})[0] == 412
    assert call(client, "PUT", path, {"skip": True}, headers={"If-Match": '"1"'})[0] == 200
    assert call(client, "DELETE", path, headers={"If-Match": '"7"'})[0] == 412
    nobody = path.replace(job["id"], "00000000-0000-4000-8000-000000000000")
    assert call(client, "PUT", nobody, {"skip": True})[0] == 404
    call(client, "POST", f"/jobs/{job['id']}/toggle", {"enabled": False})
    status, answer = call(client, "PUT", path, {"skip": True})
    assert (status, "disabled" in answer["detail"]) == (409, True)


def test_the_scope_run_skips_moves_and_rehearses_and_more_needs_write(client: Any, job: dict[str, Any]) -> None:
    first, *_ = coming(client, job)
    path = f"/jobs/{job['id']}/occurrences/{first}"
    made = call(client, "POST", "/keys", {"name": "runner", "scopes": ["run"]})[1]
    runner = {"X-API-Key": made["key"]}
    for body in ({"skip": True}, {"move_to": f"{later(first, 1)}Z"}, {"bot_config": {"dry_run": True}}):
        assert call(client, "PUT", path, body, headers=runner)[0] == 200
    assert call(client, "PUT", path, {"bot_config": {"limit": 2}}, headers=runner)[0] == 403
    assert call(client, "DELETE", path, headers=runner)[0] == 204


def test_another_schedule_tells_which_changes_it_drops(client: Any, job: dict[str, Any]) -> None:
    """In the answer, in the audit log, and beforehand in a dry run."""
    first, second, _ = coming(client, job)
    for instant in (first, second):
        call(client, "PUT", f"/jobs/{job['id']}/occurrences/{instant}", {"skip": True})
    body = {"schedule_config": {**JOB["schedule_config"], "hour": 10}}  # type: ignore[dict-item]
    status, told = call(client, "PUT", f"/jobs/{job['id']}", body, params={"dry_run": "true"})
    assert status == 200 and told["changes"][0]["occurrences"]["gained"]["count"] >= 29
    assert first not in [one["at"] for one in told["changes"][0]["occurrences"]["lost"]["first"]]
    assert told["changes"][0]["changed_occurrences"] == {"left_out": [], "dropped": [first, second]}
    status, changed = call(client, "PUT", f"/jobs/{job['id']}", body)
    assert (status, changed["dropped_changes"]) == (200, [first, second])
    entry = call(client, "GET", "/audit", params={"action": "job.update"})[1][0]
    assert entry["fields"]["changed_occurrences"]["from"] == [first, second]
    assert "dropped_changes" not in call(client, "PUT", f"/jobs/{job['id']}", {"name": "b"})[1]


def test_a_document_says_what_it_drops_and_leaves_out_before_it_does(client: Any, job: dict[str, Any]) -> None:
    """A dry run foresees what applying the document answers, and what comes of it."""
    first, second, third = coming(client, job)
    for instant in (first, second):
        call(client, "PUT", f"/jobs/{job['id']}/occurrences/{instant}", {"skip": True})
    document = call(client, "GET", "/export")[1]
    (whole,) = document["jobs"]
    assert [one["at"] for one in whole["changed_occurrences"]] == [f"{first}Z", f"{second}Z"]
    whole["changed_occurrences"] = [
        {"at": f"{second}Z", "skip": True}, {"at": f"{third}Z", "move_to": f"{later(third, 2)}Z"},
        {"at": f"{later(third, 1)}Z", "skip": True},
    ]  # fmt: skip
    told = call(client, "POST", "/apply", document, params={"dry_run": "true"})
    (change,) = told[1]["changes"]
    expected = {"left_out": [later(third, 1)], "dropped": [first]}
    assert change["changed_occurrences"] == expected
    gained, lost = ([one["at"] for one in change["occurrences"][name]["first"]] for name in ("gained", "lost"))
    assert (gained, lost) == ([first, later(third, 2)], [third])
    applied = call(client, "POST", "/apply", document)[1]
    assert applied["changes"][0]["changed_occurrences"] == expected
    assert coming(client, job)[:2] == [first, later(third, 2)]
    whole["schedule_config"]["hour"] = 10
    del whole["changed_occurrences"]
    for dry_run in ("true", "false"):
        told = call(client, "POST", "/apply", document, params={"dry_run": dry_run})
        assert told[1]["changes"][0]["changed_occurrences"] == {"left_out": [], "dropped": [second, third]}


def test_a_document_changes_occurrences_only_with_the_scope_run(client: Any, job: dict[str, Any]) -> None:
    """What `PUT` refuses to a key, no document does for it: to change, to take back, to make a job with a change."""
    first, second, _ = coming(client, job)
    writer, both = (
        {"X-API-Key": call(client, "POST", "/keys", {"name": "k", "scopes": scopes})[1]["key"]}
        for scopes in (["write"], ["write", "run"])
    )
    path = f"/jobs/{job['id']}/occurrences/{first}"
    assert call(client, "PUT", path, {"skip": True}, headers=writer)[0] == 403
    assert call(client, "PUT", path, {"skip": True})[0] == 200
    before = call(client, "GET", "/export")[1]
    (whole,) = before["jobs"]
    new = {name: value for name, value in whole.items() if name != "id"} | {"name": "another"}
    for jobs in (
        [whole | {"changed_occurrences": []}],
        [whole | {"changed_occurrences": [{"at": f"{second}Z", "skip": True}]}],
        [whole | {"description": "also this"}, new],
    ):
        for dry_run in ("true", "false"):
            wanted, query = {**before, "jobs": jobs}, {"dry_run": dry_run}
            answer = call(client, "POST", "/apply", wanted, params=query, headers=writer)
            assert (answer[0], "scope run" in answer[1]["detail"]) == (403, True), jobs
    assert call(client, "GET", "/export")[1] == before
    # The changes as they are, and a job that leaves them alone, need no more than before.
    same = {**before, "jobs": [whole | {"description": "new"}]}
    assert call(client, "POST", "/apply", same, headers=writer)[0] == 200
    emptied = {**before, "jobs": [whole | {"changed_occurrences": []}]}
    assert call(client, "POST", "/apply", emptied, headers=both)[0] == 200
    assert "changed_occurrences" not in call(client, "GET", "/export")[1]["jobs"][0]


def test_a_document_names_each_instant_once_and_500_at_most(client: Any, job: dict[str, Any]) -> None:
    first, *_ = coming(client, job)
    document = call(client, "GET", "/export")[1]
    (whole,) = document["jobs"]
    ahead = datetime.fromisoformat(first).replace(tzinfo=UTC).astimezone(timezone(timedelta(hours=3))).isoformat()
    whole["changed_occurrences"] = [{"at": f"{first}Z", "skip": True}, {"at": ahead, "bot_config": {}}]
    status, told = call(client, "POST", "/apply", document)
    assert (status, [one["field"] for one in told["errors"]]) == (400, ["jobs[0].changed_occurrences[1].at"])
    whole["changed_occurrences"] = [{"at": later(f"{first}", 24 * day) + "Z", "skip": True} for day in range(501)]
    status, told = call(client, "POST", "/apply", document)
    assert (status, "at most 500 changes, not 501" in told["detail"]) == (400, True)
    assert "changed_occurrences" not in call(client, "GET", "/export")[1]["jobs"][0]


def test_a_feed_shows_a_moved_occurrence_under_its_uid(client: Any, job: dict[str, Any]) -> None:
    first, second, _ = coming(client, job)
    call(client, "PUT", f"/jobs/{job['id']}/occurrences/{first}", {"move_to": f"{later(first, 3)}Z"})
    call(client, "PUT", f"/jobs/{job['id']}/occurrences/{second}", {"skip": True})
    made = call(client, "POST", "/keys", {"name": "feed", "scopes": ["feed"]})[1]
    text = client.simulate_get(f"/feed/{made['key']}.ics").text
    events = {part.split("UID:")[1].split()[0]: part for part in text.split("BEGIN:VEVENT")[1:]}
    uid, skipped = (f"{job['id']}-{int(datetime.fromisoformat(at + 'Z').timestamp())}@bot-scheduler"
                    for at in (first, second))  # fmt: skip
    assert f"DTSTART:{later(first, 3).replace('-', '').replace(':', '')}Z" in events[uid].replace("\r\n ", "")
    assert skipped not in events
