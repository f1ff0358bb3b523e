"""Wrong keys in Redis: counted once, by sender, in bounded room; and the buckets of keys."""

from __future__ import annotations

from functools import partial
from typing import Any

import falcon.testing
import pytest

from service.asgi import assemble
from service.cli.doctor.redis_checks import guessing_finding
from service.settings import Settings
from service.store import guesses
from service.store.guesses import Report
from service.usecases.access.audit import Audit
from tests.support.processes import until
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import Rig

pytestmark = pytest.mark.processes

FOR_EVER = float("inf")
"""Since when a report counts as recent."""


def report(
    number: int, counts: dict[str, int], unnamed: int = 0, process: str = "p", since: float = FOR_EVER
) -> Report:
    """A report of a process."""
    return Report(process, number, counts, unnamed, since)


def test_a_report_is_counted_once_however_often_it_comes(rig: Rig) -> None:
    """And each process has numbers of its own."""
    for one in (report(1, {"a": 3, "b": 1}, 2), report(1, {"a": 3, "b": 1}, 2), report(1, {"a": 4}, process="q")):
        counted = guesses.count(rig.scripts, one, 0)
    assert counted.counts == {"a": 7} and counted.named_by_others == {"a"}
    today = guesses.today(rig.scripts)
    assert (today.total, today.most, today.others) == (10, (("a", 7), ("b", 1)), 2)
    assert rig.client.hget(rig.keys.metrics, "refused_keys") == b"10"


def test_a_late_report_counts_for_the_day_alone(rig: Rig) -> None:
    """It says nothing of this minute."""
    counted = guesses.count(rig.scripts, report(1, {"a": 3}, since=0), 60)
    assert counted.counts == {} and guesses.today(rig.scripts).total == 3


def test_the_doctor_names_those_who_sent_the_most(rig: Rig) -> None:
    """Its numbers add up; a client that has the wrong key is worth a warning, somebody who mistyped theirs is not."""
    assert guessing_finding(guesses.today(rig.scripts)).state == "ok"
    guesses.count(rig.scripts, report(1, {"a": 30, "b": 2, "c": 3, "d": 1}, 4), 0)
    few = guessing_finding(guesses.today(rig.scripts))
    assert few.state == "ok" and few.found.endswith(": 30 from a, 3 from c, 2 from b and 5 from others")
    guesses.count(rig.scripts, report(2, {"a": 70}), 0)
    many = guessing_finding(guesses.today(rig.scripts))
    assert many.state == "warning" and many.found.startswith("110 wrong API keys were refused") and many.advice


def refused(rig: Rig, action: str = "refused.key") -> list[dict[str, Any]]:
    """What the audit log says of refusals, oldest first."""
    return Audit(rig.scripts).page(limit=200, action=action).data[::-1]


def begin_a_minute(rig: Rig) -> None:
    """Wait until a minute has more than ten seconds left, so that no test crosses its end."""
    until(lambda: int(rig.client.time()[0]) % 60 < 50, 30)


def test_the_audit_log_says_once_who_begins_to_guess(rig: Rig) -> None:
    """Not by another process, a repeated or later report, nor in the minute after. The changes stand elsewhere."""
    begin_a_minute(rig)
    for one in (
        report(1, {"a": 3}),
        report(1, {"a": 3}),
        report(2, {"a": 1, "b": 1}),
        report(1, {"a": 3}, process="q"),
    ):
        guesses.count(rig.scripts, one, 0)
    begun = [(entry["actor"], entry["action"], entry["address"], entry["count"]) for entry in refused(rig)]
    assert begun == [("stranger", "refused.key", "a", 3), ("stranger", "refused.key", "b", 1)]
    assert len(refused(rig, "refused")) == 2 and Audit(rig.scripts).page(limit=9).data == []
    minute = int(rig.client.time()[0]) // 60
    rig.client.rename(rig.keys.guesses(f"minute:{minute}"), rig.keys.guesses(f"minute:{minute - 1}"))
    guesses.count(rig.scripts, report(3, {"a": 1, "c": 1}), 0)
    assert [entry["address"] for entry in refused(rig)] == ["a", "b", "c"]


def test_many_who_begin_are_few_entries(rig: Rig) -> None:
    """25 addresses in a minute are named, and one entry says that there are more."""
    begin_a_minute(rig)
    for number in range(4):
        guesses.count(rig.scripts, report(number + 1, {f"{number}.{one}": 1 for one in range(10)}), 0)
    noted = refused(rig)
    assert len(noted) == 26 and noted[-1]["address"] is None and "many addresses" in noted[-1]["object"]


def test_a_late_report_notes_no_beginning(rig: Rig) -> None:
    """It says nothing of this minute,."""
    guesses.count(rig.scripts, report(1, {"a": 3}, since=0), 60)
    assert refused(rig) == []


def test_many_senders_take_little_room_and_hide_none_that_is_loud(rig: Rig) -> None:
    """20,000 wrong keys of 20,000 networks, and a few of one address among them: under 1 MB, and all are counted."""
    rig.client.flushall()
    guesses.count(rig.scripts, report(1, {"first": 1}), 0)
    before = int(rig.client.info("memory")["used_memory"])
    for number in range(100):
        counts = {f"2001:db8:{number:x}:{one:x}::/64": 1 for one in range(200)}
        guesses.count(rig.scripts, report(number + 2, {**counts, "192.0.2.1": 2}), 0)
    assert int(rig.client.info("memory")["used_memory"]) - before < 1_000_000
    today = guesses.today(rig.scripts)
    assert today.total == 20_201 and today.most[0] == ("192.0.2.1", 200)
    assert today.others == today.total - sum(count for _, count in today.most)
    windows = list(rig.client.scan_iter(f"{rig.keys.prefix}:guesses:*"))
    assert all(rig.client.ttl(window) > 0 for window in windows)
    assert all(rig.client.zcard(window) <= 501 for window in windows if rig.client.type(window) == b"zset")


def api(server: ValkeyServer, **settings: object) -> falcon.testing.TestClient:
    """The whole web process, without sockets."""
    return falcon.testing.TestClient(
        assemble(Settings.model_validate({"redis_url": server.url, "api_key": "k" * 20, **settings}))
    )


def test_a_valid_key_is_served_whoever_guesses_beside_it(rig: Rig, valkey_server: ValkeyServer) -> None:
    """Wrong ones are 401, or 429 if that is set; all are counted, and the metric and the day agree."""
    client, good = api(valkey_server, guess_limit=3), {"X-API-Key": "k" * 20}
    answers = [client.simulate_get("/scheduler/jobs", headers={"X-API-Key": "wrong"}) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [401] * 3 + [429] * 2
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60 and "wait" in answers[-1].json["detail"]
    assert client.simulate_get("/scheduler/jobs", headers=good).status_code == 200
    until(lambda: guesses.today(rig.scripts).total == 5, 30)
    metrics = client.simulate_get("/metrics", headers={"Authorization": f"Bearer {'k' * 20}"}).text
    assert "bot_scheduler_refused_keys_total 5.0" in metrics


def test_a_key_may_send_so_many_requests_a_second(rig: Rig, valkey_server: ValkeyServer) -> None:
    """More are 429 and say when to come back; what needs no key has no limit."""
    client, good = api(valkey_server, rate_limit=2), {"X-API-Key": "k" * 20}
    asked = partial(client.simulate_get, "/scheduler/jobs", headers=good)
    assert [asked().status_code for _ in range(2)] == [200, 200]
    refused: list[Any] = []
    until(lambda: refused.append(asked()) or refused[-1].status_code == 429, 30)  # type: ignore[func-returns-value]
    assert refused[-1].headers["Retry-After"] == "1" and "RATE_LIMIT" in refused[-1].json["detail"]
    assert {client.simulate_get("/scheduler/health").status_code for _ in range(10)} == {503}  # no scheduler runs here


def test_a_bucket_holds_a_seconds_tokens_and_each_key_has_its_own(rig: Rig) -> None:
    """It is gone when it is full again."""
    waits = [int(rig.scripts.run("take_token", "a", 5)) for _ in range(7)]
    assert waits[:5] == [0] * 5 and 0 < waits[-1] <= 400
    assert int(rig.scripts.run("take_token", "b", 5)) == 0
    assert 0 < int(rig.client.pttl(rig.keys.rate("a"))) <= 1200
    rig.client.set(rig.keys.rate("a"), 2**60)  # the clock was set back
    assert int(rig.scripts.run("take_token", "a", 5)) == 0


def test_without_a_limit_no_request_asks_for_a_token(rig: Rig, valkey_server: ValkeyServer) -> None:
    """Nothing of it is in Redis."""
    client = api(valkey_server)
    for _ in range(3):
        assert client.simulate_get("/scheduler/jobs", headers={"X-API-Key": "k" * 20}).status_code == 200
    assert list(rig.client.scan_iter(f"{rig.keys.prefix}:rate:*")) == []
