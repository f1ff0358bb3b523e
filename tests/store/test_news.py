"""What a bot has to tell people of its work: each thing once, all that is new in a run as one alert."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from service.alerting import alerts as alerts_module
from service.alerting.alert_texts import words
from service.alerting.alerts import Alerts
from service.bots.support.secrets import Vault
from service.domain.run_records import Outcome
from service.store.outbox import Outbox
from service.store.runs.stored_outcome import LINE_LIMIT
from service.store.scripts import NEWS_SHOWN, TOLD_TTL
from service.worker.run_context import MOST_NEWS, News
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import EchoConfig, Rig
from tests.support.work_horse import carry_out, tame_horse


def news_of(texts: dict[str, str]) -> dict[str, str]:
    """What a run tells, by its keys."""
    news = News()
    for key, text in texts.items():
        assert news.add(text, key)
    return news.items


def end(rig: Rig, job_id: str, status: str = "success", rehearse: bool = False, **texts: str) -> str:
    """Runs the job once by hand, to this end and with this to tell."""
    return end_with(rig, job_id, texts, status, rehearse)


def end_with(rig: Rig, job_id: str, texts: dict[str, str], status: str = "success", rehearse: bool = False) -> str:
    """Like `end`."""
    run_id = rig.use.run_now(job_id, {"bot_config": {"dry_run": True}} if rehearse else None)
    outcome = Outcome(status, None if status == "success" else "no", {}, news=news_of(texts))
    assert rig.runs.finish(run_id, rig.start(run_id), outcome)
    return run_id


def told(rig: Rig) -> list[dict[str, Any]]:
    """Takes everything out of the outbox; what bots have to tell."""
    return [alert for alert in rig.told() if alert["kind"] == "news"]


def test_a_thing_is_told_once_whatever_job_meets_it_again(rig: Rig) -> None:
    """For 400 days; what is new is told alone."""
    first, second = rig.make_job(), rig.make_job()
    run_id = end(rig, first, a="Amelia cannot be reached")
    (alert,) = told(rig)
    assert (alert["job_id"], alert["run_id"], alert["lines"]) == (first, run_id, ["Amelia cannot be reached"])
    end(rig, first, a="Amelia cannot be reached")
    end(rig, second, a="Amelia cannot be reached", b="Zoe cannot be reached")
    (alert,) = told(rig)
    assert (alert["job_id"], alert["count"], alert["lines"]) == (second, 1, ["Zoe cannot be reached"])
    (key, other) = sorted(rig.client.keys("*:told:*"))
    assert TOLD_TTL - 60 <= rig.client.ttl(key) <= TOLD_TTL and b"Amelia" not in key
    assert TOLD_TTL == 400 * 86_400 and key != other


def test_five_hundred_things_are_one_alert(rig: Rig) -> None:
    """It shows the first and counts the others; all are known as told."""
    job_id = rig.make_job()
    many = {f"k{n}": f"P{n} cannot be reached" for n in range(500)}
    end_with(rig, job_id, many)
    (alert,) = told(rig)
    assert (alert["count"], alert["lines"]) == (500, [f"P{n} cannot be reached" for n in range(NEWS_SHOWN)])
    subject, body = words("Greet", alert)
    assert subject == "Greet: 500 things to look at"
    assert "- P0 cannot be reached\n- P1" in body and body.endswith("- and 480 more; see the run's log")
    end_with(rig, job_id, many)
    assert told(rig) == []


@pytest.mark.parametrize("status", ["success", "failed", "cancelled"])
def test_it_is_told_however_the_run_ends(rig: Rig, status: str) -> None:
    """Also beside the alert of a failure."""
    end(rig, rig.make_job(), status, a="Amelia cannot be reached")
    assert [alert["lines"] for alert in told(rig)] == [["Amelia cannot be reached"]]


def test_a_rehearsal_tells_nobody_and_uses_nothing_up(rig: Rig) -> None:
    """The real run does, afterwards."""
    job_id = rig.make_job()
    end(rig, job_id, rehearse=True, a="Amelia cannot be reached")
    assert told(rig) == [] and rig.client.keys("*:told:*") == []
    end(rig, job_id, a="Amelia cannot be reached")
    assert len(told(rig)) == 1


def test_an_end_that_is_refused_or_repeated_tells_nothing_more(rig: Rig) -> None:
    """A frozen worker's run tells nobody; an end whose answer was lost is told once."""
    run_id = rig.use.run_now(rig.make_job())
    token = rig.start(run_id)
    outcome = Outcome("success", None, {}, news=news_of({"a": "Amelia cannot be reached"}))
    assert not rig.runs.finish(run_id, "another's", outcome)
    assert told(rig) == [] and rig.client.keys("*:told:*") == []
    for _ in range(2):
        assert rig.runs.finish(run_id, token, outcome)
    assert len(told(rig)) == 1


def test_a_scheduler_of_the_release_before_leaves_it_to_a_newer_one(rig: Rig) -> None:
    """That one drops what it does not know from the lists that it reads."""
    end(rig, rig.make_job(), a="Amelia cannot be reached")
    assert not rig.client.exists(rig.keys.alerts, rig.keys.alerts_service, rig.keys.alerts_sending)
    assert len(told(rig)) == 1
    assert not rig.client.exists(rig.keys.alerts_bots)


def test_an_alert_that_a_dead_sender_left_is_sent_by_the_next(rig: Rig) -> None:
    """It is taken out only once it is done."""
    end(rig, rig.make_job(), a="Amelia cannot be reached")
    taken = Outbox(rig.scripts).take_up()
    assert taken is not None and Outbox(rig.scripts).take_up() == taken


def test_lists_and_keys_of_another_kind_hold_up_no_end(rig: Rig) -> None:
    """What outside hands made of them costs the alert alone."""
    job_id = rig.make_job()
    rig.client.set(rig.keys.alerts_bots, "no list")
    run_id = end(rig, job_id, a="Amelia cannot be reached")
    assert rig.use.run(job_id, run_id).data["status"] == "success"
    assert not rig.client.exists(rig.keys.leases) and rig.counts(job_id) == (0, 0)


def test_an_alert_is_small_enough_for_every_channel(rig: Rig) -> None:
    """Whole lines are left out, and counted."""
    end_with(rig, rig.make_job(), {str(n): f"P{n:02} " + "x" * (LINE_LIMIT - 4) for n in range(30)})
    (alert,) = told(rig)
    _, body = words("Greet", alert)
    assert len(body) < 2000
    assert "- P04 xx" in body and "P05" not in body and "- and 25 more; see" in body


def test_it_goes_to_alert_url_and_to_the_jobs_own(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no alert is dropped and holds up nothing."""
    sent: list[tuple[str, str, str]] = []

    def announce(url: str, subject: str, body: str, redirects: bool) -> None:
        sent.append((url, subject, body))

    monkeypatch.setattr(alerts_module, "announce", announce)
    rig.client.rpush(rig.keys.alerts_bots, json.dumps({"kind": "news", "job_id": "x", "lines": 7}), "junk")
    job_id = rig.make_job(name="Greet", options={"alert_urls": ["env:BOT_SECRET_OWN"]})
    run_id = end(rig, job_id, a="Amelia cannot be reached")
    alerts = Alerts(rig.scripts, "json://service", lambda: True, {"BOT_SECRET_OWN": "json://own"})
    while alerts.step(0.02):
        pass
    assert sorted((url, subject) for url, subject, _ in sent) == [
        ("json://own", "Greet: something to look at"),
        ("json://service", "Greet: something to look at"),
    ]
    assert f"Run: {run_id}\n- Amelia cannot be reached" in sent[0][2]
    assert not rig.client.exists(rig.keys.alerts_bots)


class Telling:
    """A bot that tells what its test wants, and ends as that wants."""

    name = "echo"
    Config = EchoConfig
    does: Any = None

    def run(self, context: Any) -> dict[str, Any]:
        return type(self).does(context) or {}


def carried_out(rig: Rig, server: ValkeyServer, does: Any, vault: Vault | None = None) -> tuple[str, str]:
    """A run of `does` by a real work horse. Returns the job's id and the run's."""
    Telling.does = staticmethod(does)
    horse = tame_horse(server.client(), rig.keys, Telling, vault)
    job_id = rig.make_job(options={"timeout_seconds": 600})
    run_id = rig.use.run_now(job_id)
    carry_out(horse, run_id)
    return job_id, run_id


def test_a_bot_tells_through_its_context_also_if_it_fails(rig: Rig, valkey_server: ValkeyServer) -> None:
    """On one line, cut, and without secrets; the next run in the same process tells nothing of it."""

    def does(context: Any) -> None:
        context.tell("Amelia:\nthe token 0123456789abcdef is refused", once="a")
        context.tell("told twice", once="a")
        context.tell("ü" * 1000, once="b")
        raise RuntimeError("it broke")

    vault = Vault({"BOT_SECRET_LONG": "0123456789abcdef"})
    carried_out(rig, valkey_server, does, vault)
    (alert,) = told(rig)
    assert alert["lines"] == ["Amelia: the token [BOT_SECRET_LONG] is refused", "ü" * (LINE_LIMIT - 1) + "…"]
    carried_out(rig, valkey_server, lambda context: {})
    assert told(rig) == []


def test_a_run_that_tells_of_too_much_says_the_rest_in_its_log(rig: Rig, valkey_server: ValkeyServer) -> None:
    """Nothing grows without bounds."""

    def does(context: Any) -> None:
        for number in range(MOST_NEWS + 1):
            context.tell(f"number {number}", once=str(number))

    job_id, run_id = carried_out(rig, valkey_server, does)
    (alert,) = told(rig)
    assert alert["count"] == MOST_NEWS
    lines = [json.loads(line)["message"] for line in rig.client.lrange(rig.keys.run_log(run_id), 0, -1)]
    assert lines == [f"Not reported, because the run has reported too much: number {MOST_NEWS}"]
    assert rig.use.run(job_id, run_id).data["status"] == "success"


def test_a_bot_knows_how_long_it_may_take_and_can_wait(rig: Rig, valkey_server: ValkeyServer) -> None:
    """From the job's timeout_seconds; a wait ends at once when the run is asked to stop."""
    seen: dict[str, Any] = {}

    def does(context: Any) -> None:
        seen["before"], seen["left"], seen["elapsed"] = context.elapsed, context.time_left, context.elapsed
        seen["waited"] = context.wait(0.01)
        seen["since"] = context.elapsed - seen["elapsed"]
        context.stop.raised = True
        seen["stopped"] = context.wait(500.0)

    start = time.monotonic()
    job_id, run_id = carried_out(rig, valkey_server, does)
    assert 0 <= seen["before"] <= 600 - seen["left"] <= seen["elapsed"] <= time.monotonic() - start
    assert (seen["waited"], seen["stopped"]) == (True, False) and seen["since"] >= 0.01
    assert rig.use.run(job_id, run_id).data["error"] == "worker stopped"
