"""Channels and rules in documents: exported, applied, compared, and refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import falcon.testing
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from service.asgi import assemble
from service.settings import Settings
from service.web.api.app import App

Client = falcon.testing.TestClient
Json = dict[str, Any]
KEY = "the key of the documents' test"
JOB: Json = {
    "name": "one", "bot_type": "visitor", "schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 0},
}  # fmt: skip
OPS, DEV = {"name": "ops", "url": "env:BOT_SECRET_OPS"}, {"name": "dev", "url": "env:BOT_SECRET_DEV"}
RULE = {"channel": "ops", "on": ["failed"]}
ID = "00000000-0000-4000-8000-00000000000"


@pytest.fixture(scope="module")
def app(valkey_server: Any) -> Iterator[App]:
    yield assemble(Settings.model_validate({"redis_url": valkey_server.url, "api_key": KEY}))
    falcon.async_to_sync(asyncio.sleep, 1.2)  # until it has noted refusals, which it does a second later


@pytest.fixture
def api(redis_client: Redis, app: App) -> Client:
    return Client(app, headers={"X-API-Key": KEY})


def apply(api: Client, query: str = "", status: int = 200, **document: Any) -> Any:
    answer = api.simulate_post("/scheduler/apply", json={"version": 1, **document}, query_string=query)
    assert answer.status_code == status, answer.text
    return answer.json["changes"] if status == 200 else answer.json


def exported(api: Client, how: str = "json") -> bytes:
    return bytes(api.simulate_get(f"/scheduler/export?format={how}").content)


def stored(api: Client, noun: str) -> list[Json]:
    return list(api.simulate_get(f"/scheduler/{noun}").json)


names = st.sampled_from(["a", "b", "ops", "night-watch", "x.y"])
quiet = st.none() | st.just({"from": "22:00", "to": "07:00", "timezone": "Europe/Vienna"})
channels = st.lists(
    st.fixed_dictionaries({
        "name": names, "url": st.sampled_from(["env:BOT_SECRET_A", "env:BOT_SECRET_B"]), "quiet_hours": quiet,
        "digest_seconds": st.integers(0, 86_400), "max_per_hour": st.integers(1, 600),
    }), min_size=1, max_size=5, unique_by=lambda one: str(one["name"]),
)  # fmt: skip
KINDS = ["failed", "recovered", "success", "missed", "skipped", "breach", "switched_off", "news"]
rules = st.lists(
    st.fixed_dictionaries({
        "on": st.lists(st.sampled_from(KINDS), min_size=1, unique=True).map(lambda on: [*{*on, "failed"}]),
        "after": st.integers(1, 1000),
        "labels": st.dictionaries(st.sampled_from(["team", "tier"]), st.sampled_from(["crm", "1", "no"])),
        "bot_types": st.none() | st.just(["visitor"]), "of_the_job": st.booleans(),
        "template": st.none() | st.sampled_from(["{{ job }}: yes", "~ {{ snooze_link }}\n# {{ log }}\n", "1e3"]),
    }), max_size=4,
)  # fmt: skip


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(channels, rules, st.sampled_from(["json", "yaml"]), st.data())
def test_an_export_applied_to_an_empty_installation_is_exported_alike(
    api: Client, redis_client: Redis, made: list[Json], wanted: list[Json], how: str, data: Any
) -> None:
    """And applied again, with prune, it changes nothing."""
    redis_client.flushall()
    job = api.simulate_post("/scheduler/jobs", json=JOB).json
    for channel in made:
        assert api.simulate_post("/scheduler/channels", json=channel).status_code == 201
    for rule in wanted:
        of_the_job = rule.pop("of_the_job")
        body = {
            **rule,
            "channel": data.draw(st.sampled_from(made))["name"],
            "job_id": job["id"] if of_the_job else None,
        }
        assert api.simulate_post("/scheduler/rules", json=body).status_code == 201
    before = exported(api, how)
    redis_client.flushall()
    answer = api.simulate_post("/scheduler/apply", body=before, headers={"Content-Type": "application/octet-stream"})
    assert answer.status_code == 200, answer.text
    assert [one["action"] for one in answer.json["changes"]] == ["create"] * (1 + len(made) + len(wanted))
    assert exported(api, how) == before
    for query in ("prune=true", "dry_run=true&prune=true"):
        again = api.simulate_post(
            "/scheduler/apply", body=before, query_string=query, headers={"Content-Type": "application/octet-stream"}
        )
        assert again.json["changes"] == []


def test_no_value_of_a_setting_is_exported(api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_SECRET_OPS", "json://very-secret.example.org")
    apply(api, channels=[OPS], rules=[RULE])
    document = json.loads(exported(api))
    assert document["channels"][0]["url"] == "env:BOT_SECRET_OPS" and b"very-secret" not in exported(api)
    assert "channels" not in {**document["rules"][0]} and document["rules"][0]["id"] == stored(api, "rules")[0]["id"]
    refused = apply(api, status=400, channels=[{"name": "x", "url": "json://very-secret.example.org"}])
    assert [one["field"] for one in refused["errors"]] == ["channels[0].url"] and "very-secret" not in str(refused)


def test_a_dry_run_tells_the_differences_and_does_nothing(api: Client) -> None:
    apply(api, channels=[OPS, DEV], rules=[{"id": f"{ID}1", **RULE}])
    before = exported(api)
    changes = apply(
        api, "dry_run=true&prune=true", jobs=[], channels=[{**OPS, "digest_seconds": 60}],
        rules=[{"id": f"{ID}1", **RULE, "after": 3}, {"channel": "ops", "on": ["breach"]}],
    )  # fmt: skip
    told = [(one["kind"], one["action"], one["name"], sorted(one["fields"])) for one in changes]
    assert told[0] == ("channel", "update", "ops", ["digest_seconds"])
    assert told[1] == ("channel", "delete", "dev", [])
    assert told[2] == ("rule", "update", "ops: failed", ["after"])
    assert told[3][:3] == ("rule", "create", "ops: breach")
    assert changes[2]["fields"]["after"] == {"from": 1, "to": 3} and exported(api) == before
    assert [one["action"] for one in apply(api, channels=[{**OPS, "digest_seconds": 60}])] == ["update"]
    assert stored(api, "channels")[1]["digest_seconds"] == 60 and len(stored(api, "channels")) == 2


def test_prune_deletes_what_a_list_leaves_out_and_leaves_alone_what_has_no_list(api: Client) -> None:
    """A document of an older release has no lists: nobody loses a channel by it."""
    apply(
        api, channels=[OPS, DEV], rules=[{"id": f"{ID}1", **RULE}, {"id": f"{ID}2", "channel": "dev", "on": ["news"]}]
    )
    assert apply(api, "prune=true", jobs=[]) == []
    assert [one["id"] for one in apply(api, "prune=true", jobs=[], rules=[{"id": f"{ID}1", **RULE}])] == [f"{ID}2"]
    assert [one["name"] for one in apply(api, "prune=true", jobs=[], channels=[OPS])] == ["dev"]
    changes = apply(api, "prune=true", jobs=[], channels=[], rules=[])
    assert [(one["kind"], one["action"]) for one in changes] == [("channel", "delete"), ("rule", "delete")]
    assert stored(api, "channels") == stored(api, "rules") == []


def test_a_rule_without_an_id_is_the_one_that_says_the_same(api: Client) -> None:
    """So a file that people write by hand can be applied again and again; two that say the same stay two."""
    assert len(apply(api, channels=[OPS], rules=[RULE, RULE])) == 3
    before = exported(api)
    assert apply(api, channels=[OPS], rules=[RULE, RULE]) == [] and exported(api) == before
    assert len(apply(api, "prune=true", jobs=[], rules=[RULE])) == 1


def test_a_rule_may_be_for_a_job_that_the_document_makes(api: Client) -> None:
    rule = {**RULE, "job_id": f"{ID}7"}
    refused = apply(api, status=400, channels=[OPS], rules=[RULE, rule])
    assert [one["field"] for one in refused["errors"]] == ["rules[1].job_id"]
    apply(api, channels=[OPS], rules=[RULE, rule], jobs=[{"id": f"{ID}7", **JOB}])
    assert {one["job_id"] for one in stored(api, "rules")} == {None, f"{ID}7"}


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"channels": {}}, "channels"),
        ({"rules": None}, "rules"),
        ({"channels": [OPS, OPS]}, "channels[1].name"),
        ({"channels": [{**OPS, "colour": "red"}]}, "channels[0].colour"),
        ({"channels": [OPS], "rules": [{"id": f"{ID}1", **RULE}] * 2}, "rules[1].id"),
        ({"channels": [OPS], "rules": [{"id": "1", **RULE}]}, "rules[0].id"),
        ({"channels": [OPS], "rules": [{**RULE, "on": []}]}, "rules[0].on"),
        ({"channels": [OPS], "rules": [{**RULE, "bot_types": ["nonsense"]}]}, "rules[0].bot_types[0]"),
        ({"channels": [OPS], "rules": [{**RULE, "template": "{{ 1/0 }}"}]}, "rules[0].template"),
        ({"channels": [DEV], "rules": [RULE]}, "channels"),
        ({"rules": [RULE]}, "channels"),
    ],
)  # fmt: skip
def test_one_that_is_refused_lets_nothing_be_written(api: Client, document: Json, field: str) -> None:
    before = exported(api)
    answer = apply(api, status=400, **document, jobs=[JOB])
    assert field in [one["field"] for one in answer["errors"]], answer
    assert exported(api) == before


def test_a_channel_that_a_rule_still_names_is_not_pruned(api: Client) -> None:
    apply(api, channels=[OPS], rules=[RULE])
    answer = apply(api, "prune=true", status=400, jobs=[], channels=[])
    assert "which the rule" in answer["detail"] and len(stored(api, "channels")) == 1


def test_who_may_not_see_channels_gets_none_and_changes_none(api: Client) -> None:
    apply(api, channels=[OPS], rules=[RULE])
    for terms in ({"scopes": ["read", "write", "run"]}, {"scopes": ["read", "write"], "labels": {"team": ["crm"]}}):
        key = api.simulate_post("/scheduler/keys", json={"name": "an editor", **terms}).json["key"]
        editor = Client(api.app, headers={"X-API-Key": key})
        assert {*json.loads(exported(editor))} == {"version", "jobs"}
        documents: list[Json] = [{"channels": [OPS]}, {"rules": []}, {"channels": []}]
        for document in documents:
            before = exported(api)
            apply(editor, status=403, jobs=[], **document)
            assert exported(api) == before
