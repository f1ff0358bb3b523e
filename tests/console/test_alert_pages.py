"""Page of alerts: channels, rules, their forms, and who was told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from redis import Redis

from service.alerting import alerts as alerts_module
from service.alerting.alerts import Alerts
from tests.support.browsing import Browser, signed_in, words
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import Rig

HOSTILE = "<script>alert(1)</script>"
QUIET = {"from": "22:00", "to": "07:00", "timezone": "Europe/Vienna"}
JOB = {"name": HOSTILE, "bot_type": "visitor", "schedule_type": "interval", "schedule_config": {"hours": 1}}


@pytest.fixture
def browser(redis_client: Redis, valkey_server: ValkeyServer) -> Browser:
    return signed_in(valkey_server.url)


def made(browser: Browser, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = browser.send("POST", f"/scheduler/{path}", body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json)


def test_the_page_shows_what_there_is_and_its_forms_begin_with_what_the_address_names(browser: Browser) -> None:
    empty = browser.get("/alerts")
    assert "There are no channels yet" in words(empty) and 'id="rule-form"' not in empty.text
    made(browser, "channels", {"name": "ops", "url": "env:BOT_SECRET_OPS", "quiet_hours": QUIET})
    rule = made(browser, "rules", {
        "channel": "ops", "on": ["failed", "success"], "labels": {"team": "crm"}, "template": HOSTILE,
    })  # fmt: skip
    told = browser.get("/alerts")
    assert "22:00–07:00 Europe/Vienna" in words(told) and "failed, success" in words(told)
    assert 'data-request="POST /scheduler/channels/ops/test"' in told.text
    assert "DELETE /scheduler/channels/ops" not in told.text, "a rule names it"
    assert HOSTILE not in told.text
    channel = browser.get("/alerts?channel=ops").text
    assert 'data-request="PUT /scheduler/channels/ops"' in channel and 'value="Europe/Vienna"' in channel
    form = browser.get(f"/alerts?rule={rule['id']}").text
    assert f'data-request="PUT /scheduler/rules/{rule["id"]}"' in form and "team:crm" in form
    assert HOSTILE not in form and "&lt;script&gt;" in form


def test_the_page_tells_who_was_told_and_hears_of_no_wrong_filter(
    browser: Browser, redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts_module, "announce", lambda *_, **__: None)
    rig = Rig.on(redis_client)
    job_id = made(browser, "jobs", JOB)["id"]
    note = {"kind": "failed", "job_id": job_id, "at": 1_800_000_000_000, "error": HOSTILE}
    redis_client.lpush(rig.keys.alerts, json.dumps(note))
    alerts = Alerts(rig.scripts, "json://a", lambda: True, {})
    while alerts.step(0.02):
        pass
    told = browser.get("/alerts")
    assert "URL 1 of ALERT_URL : sent" in words(told) and "1 try" in words(told) and HOSTILE not in told.text
    assert "No alert is like that" in words(browser.get("/alerts?state=waiting"))
    assert "No alert is like that" in words(browser.get("/alerts?kind=nonsense&cursor=x"))


def test_a_key_with_limits_or_without_admin_sees_neither_page_nor_entry(browser: Browser) -> None:
    for terms in ({"scopes": ["read", "write", "run"]}, {"scopes": ["read", "admin"], "labels": {"team": ["crm"]}}):
        answer = browser.send("POST", "/scheduler/keys", {"name": "a reader", **terms})
        if answer.status_code == 400:  # no key with limits may have this scope
            continue
        reader = Browser(browser.app)
        reader.sign_in(answer.json["key"])
        assert 'href="/alerts"' not in reader.get("/jobs").text
        assert reader.get("/alerts").status_code == 403
