"""The API's contract, one endpoint after the other, through the real service on a real server."""

from __future__ import annotations

import re
from typing import Any

import falcon.testing
import pytest
from redis import Redis

from service.asgi import assemble
from service.domain.run_records import Outcome
from service.settings import Settings
from service.store.keys import Keys
from service.store.presence import Presence
from service.store.rq_records import make_scripts
from service.store.runs.run_hashes import RunStore
from service.store.scripts import Limits
from service.store.server.redis_clock import RedisClock

KEY = "your-api-key"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
JOB_FIELDS = [
    "id",
    "name",
    "description",
    "bot_type",
    "enabled",
    "schedule_type",
    "schedule_config",
    "bot_config",
    "created_at",
    "updated_at",
    "last_run_at",
    "last_run_status",
    "last_run_error",
    "next_run_at",
]
LOG_FIELDS = [
    "id",
    "job_id",
    "started_at",
    "finished_at",
    "status",
    "result",
    "error",
    "messages_sent",
    "profiles_visited",
]
DAILY_BIRTHDAY: dict[str, Any] = {
    "name": "Daily Birthday Messages",
    "description": "Send birthday messages every day at 8am",
    "bot_type": "birthday",
    "enabled": True,
    "schedule_type": "daily",
    "schedule_config": {"hour": 8, "minute": 0},
    "bot_config": {"dry_run": False, "process_late": True, "max_days_late": 7, "max_messages_per_run": 10},
}

Client = falcon.testing.TestClient
Json = dict[str, Any]


@pytest.fixture
def installation(redis_client: Redis, valkey_server: Any) -> Settings:
    """The settings of an installation on an empty server."""
    return Settings.model_validate({"redis_url": valkey_server.url, "api_key": KEY})


@pytest.fixture
def api(installation: Settings) -> Client:
    """The API with its key."""
    return Client(assemble(installation), headers={"X-API-Key": KEY})


@pytest.fixture
def runs(redis_client: Redis) -> RunStore:
    """What a worker does with runs."""
    return RunStore(make_scripts(redis_client, Keys(), Limits()))


@pytest.fixture
def created(api: Client) -> Json:
    """The contract's own example, created."""
    answer = api.simulate_post("/scheduler/jobs", json=DAILY_BIRTHDAY)
    assert answer.status_code == 201
    job: Json = answer.json
    return job


def end_run(runs: RunStore, run_id: str, outcome: Outcome) -> None:
    """Carries a run out, as a worker would."""
    claim = runs.claim(run_id, "token", "worker-1", 30_000)
    assert claim is not None
    runs.finish(run_id, claim.token, outcome)


def test_1_list_jobs(api: Client, created: Json) -> None:
    """An array of jobs, each with every field of the contract; `enabled_only` leaves the disabled ones out."""
    disabled = api.simulate_post("/scheduler/jobs", json={**DAILY_BIRTHDAY, "enabled": False}).json
    answer = api.simulate_get("/scheduler/jobs")
    assert (answer.status_code, [job["id"] for job in answer.json]) == (200, [created["id"], disabled["id"]])
    assert [name for name in answer.json[0] if name in JOB_FIELDS] == JOB_FIELDS
    assert [job["id"] for job in api.simulate_get("/scheduler/jobs?enabled_only=true").json] == [created["id"]]
    assert len(api.simulate_get("/scheduler/jobs?enabled_only=false").json) == 2
    assert api.simulate_get("/scheduler/jobs?enabled_only=maybe").status_code == 400


def test_2_get_job(api: Client, created: Json) -> None:
    """The job; an unknown or malformed id is 404 with the contract's sentence."""
    answer = api.simulate_get(f"/scheduler/jobs/{created['id']}")
    assert (answer.status_code, answer.json) == (200, created)
    for job_id in (UNKNOWN, "nonsense"):
        missing = api.simulate_get(f"/scheduler/jobs/{job_id}")
        assert (missing.status_code, missing.json) == (404, {"detail": f"Job {job_id} not found"})


def test_3_create_job(api: Client, created: Json) -> None:
    """201, what was sent as it was sent, the rest filled in."""
    for name, value in DAILY_BIRTHDAY.items():
        assert created[name] == value if name != "bot_config" else value.items() <= created[name].items()
    assert UUID.fullmatch(created["id"])
    assert TIMESTAMP.fullmatch(created["created_at"])
    assert created["created_at"] == created["updated_at"]
    assert (created["last_run_at"], created["last_run_status"], created["last_run_error"]) == (None, None, None)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT08:00:00", created["next_run_at"])
    assert api.simulate_get(f"/scheduler/jobs/{created['id']}").json == created


def test_3_create_job_needs_only_the_contracts_curl(api: Client) -> None:
    """The body of the example without description, `enabled` and a limit: enabled, with the defaults."""
    job = api.simulate_post(
        "/scheduler/jobs",
        json={
            "name": "Daily Birthday Messages",
            "bot_type": "birthday",
            "schedule_type": "daily",
            "schedule_config": {"hour": 8, "minute": 0},
            "bot_config": {"dry_run": False, "process_late": True, "max_days_late": 7},
        },
    ).json
    assert (job["enabled"], job["description"], job["bot_config"]["max_messages_per_run"]) == (True, None, 10)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"bot_type": "nonsense"}, "bot_type"),
        ({"schedule_type": "hourly"}, "schedule_type"),
        ({"schedule_config": {"hour": 24, "minute": 0}}, "schedule_config.hour"),
        ({"schedule_config": {"hour": "8", "minute": 0}}, "schedule_config.hour"),
        ({"bot_config": {"max_days_late": 0}}, "bot_config.max_days_late"),
        ({"bot_config": {"nonsense": 1}}, "bot_config.nonsense"),
        ({"name": ""}, "name"),
        ({"enabled": 1}, "enabled"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_3_create_job_refuses_what_is_invalid(api: Client, change: Json, field: str) -> None:
    """400, never 422; the sentence and `errors` name the field; nothing is stored."""
    answer = api.simulate_post("/scheduler/jobs", json={**DAILY_BIRTHDAY, **change})
    assert answer.status_code == 400
    assert field in [error["field"] for error in answer.json["errors"]]
    assert field in answer.json["detail"]
    assert api.simulate_get("/scheduler/jobs").json == []


@pytest.mark.parametrize(
    ("schedule_type", "schedule_config"),
    [
        ("daily", {"hour": 8, "minute": 0}),
        ("weekly", {"hour": 14, "minute": 30, "day_of_week": "mon,wed,fri"}),
        ("interval", {"hours": 2, "minutes": 0}),
        ("cron", {"cron_expression": "0 8-18 * * 1-5"}),
    ],
)
def test_each_schedule_of_the_contract(api: Client, schedule_type: str, schedule_config: Json) -> None:
    """The examples of all four types are taken and answered as given."""
    job = api.simulate_post(
        "/scheduler/jobs", json={**DAILY_BIRTHDAY, "schedule_type": schedule_type, "schedule_config": schedule_config}
    ).json
    assert (job["schedule_type"], job["schedule_config"]) == (schedule_type, schedule_config)
    assert TIMESTAMP.fullmatch(job["next_run_at"])


def test_the_visitor_bots_config(api: Client) -> None:
    """The other bot's example."""
    config = {"dry_run": False, "limit": 50}
    job = api.simulate_post(
        "/scheduler/jobs", json={**DAILY_BIRTHDAY, "bot_type": "visitor", "bot_config": config}
    ).json
    assert config.items() <= job["bot_config"].items()


def test_4_update_job(api: Client, created: Json) -> None:
    """The contract's example changes those two fields; 400 and 404 as told; a GET can be PUT back."""
    path = f"/scheduler/jobs/{created['id']}"
    answer = api.simulate_put(path, json={"enabled": False, "schedule_config": {"hour": 9, "minute": 30}})
    assert answer.status_code == 200
    assert [name for name in answer.json if name in JOB_FIELDS] == JOB_FIELDS
    assert (answer.json["enabled"], answer.json["schedule_config"]) == (False, {"hour": 9, "minute": 30})
    assert (answer.json["next_run_at"], answer.json["name"]) == (None, created["name"])
    assert api.simulate_put(path, json=answer.json).json == answer.json
    assert api.simulate_put(path, json={"schedule_config": {"hour": 99, "minute": 0}}).status_code == 400
    assert api.simulate_get(path).json == answer.json
    missing = api.simulate_put(f"/scheduler/jobs/{UNKNOWN}", json={"enabled": False})
    assert (missing.status_code, missing.json) == (404, {"detail": f"Job {UNKNOWN} not found"})


def test_5_delete_job(api: Client, created: Json) -> None:
    """204 without content, then 404."""
    path = f"/scheduler/jobs/{created['id']}"
    answer = api.simulate_delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    for again in (api.simulate_delete(path), api.simulate_get(path)):
        assert (again.status_code, again.json) == (404, {"detail": f"Job {created['id']} not found"})


def test_6_toggle_job(api: Client, created: Json) -> None:
    """Off and on again; a body without `enabled` is 400; unknown is 404."""
    path = f"/scheduler/jobs/{created['id']}/toggle"
    off = api.simulate_post(path, json={"enabled": False})
    assert (off.status_code, off.json["enabled"], off.json["next_run_at"]) == (200, False, None)
    on = api.simulate_post(path, json={"enabled": True})
    assert (on.status_code, on.json["enabled"]) == (200, True)
    assert TIMESTAMP.fullmatch(on.json["next_run_at"])
    for body in ("{}", '{"enabled": "false"}', '{"enabled": false, "x": 1}', ""):
        assert api.simulate_post(path, body=body).status_code == 400
    assert api.simulate_post(f"/scheduler/jobs/{UNKNOWN}/toggle", json={"enabled": True}).status_code == 404


def test_7_run_job_now(api: Client, created: Json) -> None:
    """202, message and status to the letter; `run_id` beside them leads to the entry; unknown is 404."""
    answer = api.simulate_post(f"/scheduler/jobs/{created['id']}/run")
    assert answer.status_code == 202
    told = answer.json
    run_id = told.pop("run_id")
    assert told == {"message": f"Job {created['id']} queued for immediate execution", "status": "queued"}
    entry = api.simulate_get(f"/scheduler/jobs/{created['id']}/runs/{run_id}").json
    assert (entry["id"], entry["status"], entry["started_at"]) == (run_id, "queued", None)
    assert api.simulate_post(f"/scheduler/jobs/{UNKNOWN}/run").status_code == 404
    assert api.simulate_get(f"/scheduler/jobs/{created['id']}/runs/{UNKNOWN}").status_code == 404


def test_7_run_job_now_with_an_overlay(api: Client, created: Json) -> None:
    """A valid one is taken, an invalid one refused before anything is queued."""
    path = f"/scheduler/jobs/{created['id']}/run"
    assert api.simulate_post(path, json={"bot_config": {"dry_run": True}}).status_code == 202
    assert api.simulate_post(path, json={"bot_config": {"dry_run": "yes"}}).status_code == 400
    assert api.simulate_post(path, json={"nonsense": True}).status_code == 400
    assert len(api.simulate_get(f"/scheduler/jobs/{created['id']}/history").json) == 1


def test_8_history(api: Client, created: Json, runs: RunStore) -> None:
    """Newest first, every field of the contract, the counts copied; `last_run_*` follow; pages link on."""
    path = f"/scheduler/jobs/{created['id']}"
    ids = [api.simulate_post(path + "/run").json["run_id"] for _ in range(2)]
    end_run(runs, ids[0], Outcome("success", result={"messages_sent": 12}))
    end_run(runs, ids[1], Outcome("failed", error="Nobody answers"))
    answer = api.simulate_get(path + "/history")
    assert (answer.status_code, [entry["id"] for entry in answer.json]) == (200, ids[::-1])
    failed, succeeded = answer.json
    assert [name for name in succeeded if name in LOG_FIELDS] == LOG_FIELDS
    assert (succeeded["status"], succeeded["error"]) == ("success", None)
    assert (succeeded["result"], succeeded["messages_sent"]) == ({"messages_sent": 12}, 12)
    assert succeeded["profiles_visited"] == 0
    assert (succeeded["job_id"], failed["error"], failed["result"]) == (created["id"], "Nobody answers", None)
    assert TIMESTAMP.fullmatch(succeeded["started_at"])
    assert TIMESTAMP.fullmatch(succeeded["finished_at"])
    job = api.simulate_get(path).json
    assert (job["last_run_status"], job["last_run_error"]) == ("failed", "Nobody answers")
    assert (job["last_run_at"], job["next_run_at"]) == (failed["started_at"], created["next_run_at"])
    first = api.simulate_get(path + "/history?limit=1")
    following = first.headers["link"].split(">")[0][1:]
    assert [entry["id"] for entry in first.json + api.simulate_get(following).json] == ids[::-1]


def test_8_history_errors(api: Client, created: Json) -> None:
    """A limit outside of 1–200 and a bad cursor are 400, an unknown job 404."""
    path = f"/scheduler/jobs/{created['id']}/history"
    for query in ("limit=0", "limit=201", "limit=x", "cursor=rubbish", "cursor="):
        assert api.simulate_get(f"{path}?{query}").status_code == 400, query
    assert api.simulate_get(path).json == []
    assert api.simulate_get(path + "?limit=20").status_code == 200
    assert api.simulate_get(f"/scheduler/jobs/{UNKNOWN}/history").status_code == 404


def test_9_health(installation: Settings, redis_client: Redis, created: Json) -> None:
    """Without a key: healthy while a scheduler's heart beats, the counts those of the jobs."""
    stranger = Client(assemble(installation))
    answer = stranger.simulate_get("/scheduler/health")
    assert (answer.status_code, answer.json["status"]) == (503, "unhealthy")
    Presence(make_scripts(redis_client, Keys(), Limits())).hold_lead("scheduler-1", 15_000)
    answer = stranger.simulate_get("/scheduler/health")
    assert answer.status_code == 200
    assert answer.json.items() >= {
        "status": "healthy", "scheduler_running": True, "redis_connected": True, "total_jobs": 1, "enabled_jobs": 1,
    }.items()  # fmt: skip
    assert stranger.simulate_get("/scheduler/jobs").status_code == 401


def test_waiting_for_a_run_that_nobody_takes(api: Client, created: Json) -> None:
    """`wait` runs out: 202 as without it."""
    assert api.simulate_post(f"/scheduler/jobs/{created['id']}/run?wait=0.1").status_code == 202


def test_previews(api: Client, created: Json) -> None:
    """Of a schedule that is not stored, and of a job: strictly after `from`."""
    expected = ["2025-01-02T08:00:00", "2025-01-03T08:00:00"]
    answer = api.simulate_post(
        "/scheduler/preview",
        json={
            "schedule_type": "daily",
            "schedule_config": {"hour": 8, "minute": 0},
            "from": "2025-01-01T08:00:00",
            "count": 2,
        },
    )
    assert (answer.status_code, answer.json["occurrences"]) == (200, expected)
    assert answer.json["description"]
    of_job = api.simulate_get(f"/scheduler/jobs/{created['id']}/preview?from=2025-01-01T08:00:00Z&count=2")
    assert of_job.json == answer.json
    assert len(api.simulate_get(f"/scheduler/jobs/{created['id']}/preview").json["occurrences"]) == 10
    for query in ("count=0", "count=1001", "from=yesterday", "from="):
        assert api.simulate_get(f"/scheduler/jobs/{created['id']}/preview?{query}").status_code == 400, query


def test_jobs_filter_and_page(api: Client) -> None:
    """`q`, `bot_type`, and pages that visit each job once."""
    made = [
        api.simulate_post("/scheduler/jobs", json={**DAILY_BIRTHDAY, "name": f"job {n}"}).json["id"] for n in range(5)
    ]
    assert [job["id"] for job in api.simulate_get("/scheduler/jobs?q=JOB%203").json] == [made[3]]
    assert api.simulate_get("/scheduler/jobs?bot_type=visitor").json == []
    path, seen = "/scheduler/jobs?limit=2", []
    while path:
        answer = api.simulate_get(path)
        seen += [job["id"] for job in answer.json]
        path = answer.headers["link"].split(">")[0][1:] if "link" in answer.headers else ""
    assert seen == made
    assert api.simulate_get("/scheduler/jobs?limit=2&cursor=rubbish").status_code == 400


def test_what_is_known_of_an_address_book_is_said_with_it(api: Client) -> None:
    """Its encoding and the order of its dates; what the file is not is refused, and changes nothing."""
    path, book = "/scheduler/contacts/import", "name,birthday,colour\nŽofie,3/4/1990,red\n".encode("cp1250")
    for query, field in (
        ("charset=utf-8", "charset"),
        ("charset=punycode", "charset"),
        ("date_order=year", "date_order"),
    ):
        refused = api.simulate_post(path, query_string=query, body=book)
        assert refused.status_code == 400 and field in refused.text
    assert api.simulate_get("/scheduler/contacts").json == []
    guessed = api.simulate_post(path, body=book).json
    assert guessed["ignored_columns"] == ["colour"] and guessed["warnings_total"] == 2
    known = api.simulate_post(path, query_string="date_order=day&charset=windows-1250", body=book).json
    assert (known["warnings"], known["with_birthday"]) == ([], 1)


def test_an_address_book_goes_in_and_comes_out(api: Client) -> None:
    """Imported, listed, changed, deleted."""
    card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ann Example\r\nBDAY:1990-04-12\r\nEMAIL:ann@example.org\r\nEND:VCARD\r\n"
    report = api.simulate_post("/scheduler/contacts/import", body=card)
    assert (report.status_code, report.json["created"], report.json["skipped_total"]) == (200, 1, 0)
    (ann,) = api.simulate_get("/scheduler/contacts").json
    assert (ann["name"], ann["birthday"], ann["emails"]) == ("Ann Example", "1990-04-12", ["ann@example.org"])
    path = f"/scheduler/contacts/{ann['id']}"
    assert api.simulate_put(path, json={"language": "de"}).json["language"] == "de"
    assert api.simulate_get(path).json["language"] == "de"
    assert api.simulate_delete(path).status_code == 204
    assert api.simulate_get(path).status_code == 404
    assert api.simulate_post("/scheduler/contacts", json={"name": "Bob", "birthday": "--02-29"}).status_code == 201
    for body in ("{}", '{"name": 1}', '{"name": "Bob", "birthday": "2025-02-30"}', "[]"):
        assert api.simulate_post("/scheduler/contacts", body=body).status_code == 400, body


def test_contacts_are_exported_found_twice_and_merged(api: Client) -> None:
    """An export changes nothing when it comes back; pages of duplicates follow one another; refusals name the field."""
    cards = "".join(
        f"BEGIN:VCARD\nUID:{number}\nFN:Person {number // 2}\nBDAY:1990-04-12\nEND:VCARD\n" for number in range(6)
    )
    assert api.simulate_post("/scheduler/contacts/import", body=cards).json["created"] == 6
    for kind in ("vcard", "csv"):
        file = api.simulate_get(f"/scheduler/contacts/export?format={kind}")
        again = api.simulate_post("/scheduler/contacts/import", body=file.content).json
        assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 6), kind
    path, groups = "/scheduler/contacts/duplicates?limit=2", []
    while path:
        answer = api.simulate_get(path)
        groups += answer.json
        path = answer.headers["link"].split(">")[0][1:] if "link" in answer.headers else ""
    assert [group["reasons"] for group in groups] == [["the same name and the birthday"]] * 3
    (first, second), (third, _), _ = (([one["id"] for one in group["contacts"]]) for group in groups)
    merge = f"/scheduler/contacts/{first}/merge"
    refused = api.simulate_post(merge, json={"from": [second, first]})
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (400, "from[1]")
    assert api.simulate_post(merge, json={"from": [second, third]}).json["contact"]["id"] == first
    assert api.simulate_post(merge, json={"from": [third]}).status_code == 400
    assert api.simulate_post(f"/scheduler/contacts/{third}/merge", json={"from": [first]}).status_code == 404
    assert api.simulate_post(merge, body="[").status_code == 400
    for query in ("cursor=rubbish", "limit=0", "limit=201", f"cursor={first}&cursor={second}"):
        assert api.simulate_get(f"/scheduler/contacts/duplicates?{query}").status_code == 400, query
    assert len(api.simulate_get("/scheduler/contacts/duplicates").json) == 1


def test_bots(api: Client) -> None:
    """Both bots of the contract are there."""
    assert {"birthday", "visitor"} <= {bot["name"] for bot in api.simulate_get("/scheduler/bots").json}


def test_redis_comes_back_without_a_restart(installation: Settings, api: Client, created: Json) -> None:
    """A broken connection in the pool costs no request an error: reads are made again on a new one."""
    import redis

    with redis.Redis.from_url(installation.redis_url.get_secret_value()) as other:
        other.client_kill_filter(_type="normal", skipme=True)
    assert api.simulate_get(f"/scheduler/jobs/{created['id']}").status_code == 200


def test_redis_clock_is_what_timestamps_follow(redis_client: Redis, created: Json) -> None:
    """`created_at` is Redis' time."""
    from service.domain.timestamps import format_timestamp

    now = RedisClock(redis_client).now_ms() // 1000
    assert created["created_at"] in {format_timestamp(now - ago) for ago in range(10)}


@pytest.mark.parametrize(
    ("schedule_type", "config", "stored"),
    [
        ("cron", {"cron_expression": "0 8 * * *\n"}, {"cron_expression": "0 8 * * *"}),
        ("cron", {"cron_expression": "0\u00a08 * * *\r\n"}, {"cron_expression": "0 8 * * *"}),
        ("weekly", {"hour": 8, "minute": 0, "day_of_week": "mon, tue\n"},
         {"hour": 8, "minute": 0, "day_of_week": "mon, tue"}),
        ("daily", {"hour": 8, "minute": 0, "timezone": " Europe/Berlin\n"},
         {"hour": 8, "minute": 0, "timezone": "Europe/Berlin"}),
        ("cron", {"cron_expression": " 0  8\t* * *"}, {"cron_expression": " 0  8\t* * *"}),
        ("weekly", {"hour": 8, "minute": 0, "day_of_week": " MON ,tue "},
         {"hour": 8, "minute": 0, "day_of_week": " MON ,tue "}),
    ],
)  # fmt: skip
def test_a_schedule_is_answered_as_given_less_stray_line_breaks(
    api: Client, schedule_type: str, config: Json, stored: Json
) -> None:
    """Line breaks and the like, which no release before understood, are not stored; every blank is as it was sent."""
    body = {**DAILY_BIRTHDAY, "schedule_type": schedule_type, "schedule_config": config}
    job = api.simulate_post("/scheduler/jobs", json=body)
    assert (job.status_code, job.json["schedule_config"]) == (201, stored)
    again = api.simulate_put(f"/scheduler/jobs/{job.json['id']}", json={"schedule_config": config})
    assert (again.status_code, again.json) == (200, job.json)
    preview = api.simulate_post(
        "/scheduler/preview", json={"schedule_type": schedule_type, "schedule_config": config, "count": 1}
    )
    assert (preview.status_code, len(preview.json["occurrences"])) == (200, 1)
