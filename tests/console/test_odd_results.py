"""What a bot gives by accident, and other readers of JSON cannot read: no page fails over it, and nothing is lost."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from redis import Redis

from service.domain.plain_json import MOST
from service.worker.horse import WorkHorse
from tests.support.browsing import Browser, signed_in
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import EchoConfig, Rig
from tests.support.work_horse import carry_out, tame_horse

NAME = os.fsdecode(b"caf\xe9.txt")
SHOWN = "caf\\udce9.txt"
Answered = dict[str, Any]


class Doing:
    """A bot that does what a test says."""

    name = "echo"
    Config = EchoConfig
    act: Callable[[Any], Any]

    def run(self, context: Any) -> Any:
        return type(self).act(context)


@pytest.fixture
def rig(redis_client: Redis) -> Rig:
    """The installation, without its processes."""
    return Rig.on(redis_client)


@pytest.fixture
def browser(rig: Rig, valkey_server: ValkeyServer) -> Browser:
    """Somebody who is signed in."""
    return signed_in(valkey_server.url)


@pytest.fixture
def horse(rig: Rig, valkey_server: ValkeyServer) -> WorkHorse:
    """A horse without a process of its own."""
    return tame_horse(valkey_server.client(), rig.keys, Doing)


def carried_out(rig: Rig, horse: WorkHorse, act: Callable[[Any], Any]) -> tuple[str, str]:
    """A job whose run did that, to its recorded end. Returns the ids of both."""
    Doing.act = staticmethod(act)
    job_id = rig.make_job(bot_type="echo")
    run_id = rig.use.run_now(job_id)
    carry_out(horse, run_id)
    return job_id, run_id


def answers(browser: Browser, job_id: str, run_id: str) -> Answered:
    """The run as the API shows it, after every reader of it has been asked."""
    api = f"/scheduler/jobs/{job_id}"
    for path in ("/", "/runs", "/jobs", f"/jobs/{job_id}", f"/jobs/{job_id}/runs/{run_id}"):
        assert browser.get(path).status_code == 200, path
    asked = (f"{api}/runs/{run_id}", f"{api}/history", f"{api}/runs/{run_id}/log", "/scheduler/runs", api)
    found = {path: browser.send("GET", path) for path in asked}
    assert {answer.status_code for answer in found.values()} == {200}
    events = browser.send("GET", f"{api}/runs/{run_id}/log", headers={"Accept": "text/event-stream"})
    end = events.text.partition("event: end\ndata: ")[2].partition("\n")[0]
    one: Answered = orjson.loads(found[f"{api}/runs/{run_id}"].content)
    (of_job,) = orjson.loads(found[f"{api}/history"].content)
    assert orjson.loads(end) == one == of_job
    return one


def raising(error: BaseException) -> Callable[[Any], Any]:
    """A bot's doing that ends so."""

    def act(context: Any) -> Any:
        raise error

    return act


def with_result(result: dict[str, Any]) -> Exception:
    """An exception that tells what was done until then."""
    error = ValueError("broke off")
    error.result = result  # type: ignore[attr-defined]
    return error


ODD: dict[str, tuple[Any, Any]] = {
    "file name": ({"files": [NAME]}, {"files": [SHOWN]}),
    "key": ({NAME: 1}, {SHOWN: 1}),
    "half": ({"text": "\ud83d"}, {"text": "\\ud83d"}),
    "whole": ({"text": "\U0001f600"}, {"text": "\U0001f600"}),
    "huge": ({"n": 10**400}, {"n": "1" + "0" * 400}),
    "beyond": ({"n": 2**64, "m": -(2**63) - 1}, {"n": str(2**64), "m": str(-(2**63) - 1)}),
    "within": ({"n": 2**64 - 1, "m": -(2**63)}, {"n": 2**64 - 1, "m": -(2**63)}),
    "no number": ({"n": [float("nan"), float("inf"), -float("inf")]}, {"n": ["NaN", "Infinity", "-Infinity"]}),
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("raised", [False, True])
def test_an_odd_result_is_kept_and_every_reader_reads_it(
    rig: Rig, horse: WorkHorse, browser: Browser, odd: str, raised: bool
) -> None:
    """Whether it is returned or comes with an exception: it becomes a text that still says it."""
    given, kept = ODD[odd]
    ids = carried_out(rig, horse, raising(with_result(given)) if raised else lambda context: given)
    shown = answers(browser, *ids)
    assert (shown["status"], shown["result"]) == ("failed" if raised else "success", kept)


def test_what_is_no_json_at_all_fails_the_run_and_says_so(rig: Rig, horse: WorkHorse, browser: Browser) -> None:
    """A number of more digits than Python writes, a set, a value that holds itself, or more depth than can be read."""
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"a": deep}
    itself: dict[str, Any] = {}
    itself["self"] = itself
    for given in ({"n": 10**5000}, {"s": {1}}, itself, deep):
        shown = answers(browser, *carried_out(rig, horse, lambda context, given=given: given))  # type: ignore[misc]
        assert shown["status"] == "failed"
        assert shown["error"].startswith("The bot's result cannot be stored as JSON: ")
    while deep:
        deep = deep.popitem()[1]


@pytest.mark.parametrize("count", [10**400, MOST + 1, -5, True, "x", None, 1.5], ids=range(7))
def test_a_count_that_is_none_counts_as_none(rig: Rig, horse: WorkHorse, browser: Browser, count: Any) -> None:
    """The run is shown, with 0."""
    shown = answers(browser, *carried_out(rig, horse, lambda context: {"messages_sent": count}))
    assert (shown["status"], shown["messages_sent"]) == ("success", 0)


@pytest.mark.parametrize(
    ("given", "shown"),
    [((10**400, -1), {"done": MOST, "total": 0}), ((3.7, True), {"done": 3, "total": 1}), (("x", None), None),
     ((float("nan"), 1), None), ((1, float("inf")), None)],
)  # fmt: skip
def test_progress_is_bounded(rig: Rig, horse: WorkHorse, browser: Browser, given: Any, shown: Any) -> None:
    """What is not a number is told in the log, and neither fails the run nor hides it."""

    def act(context: Any) -> dict[str, Any]:
        context.progress(*given)
        return {}

    job_id, run_id = carried_out(rig, horse, act)
    entry = answers(browser, job_id, run_id)
    assert (entry["status"], entry.get("progress")) == ("success", shown)
    assert ["progress" in line["message"] for line in rig.log(run_id)] == ([] if shown else [True])


class NoText(Exception):
    """One that cannot be written out."""

    def __str__(self) -> str:
        raise ValueError("never")


class Named(type):
    """Of classes that have no name."""

    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise ValueError("never")


class Nameless(Exception, metaclass=Named):
    """One of those."""


class Ends(Exception):
    """One that ends its process when it is asked for its text."""

    def __str__(self) -> str:
        raise SystemExit(3)


class Fickle(Exception):
    """One whose result is not to be had."""

    @property
    def result(self) -> Any:
        raise RuntimeError("never")


ODD_MODULE = type("OddModule", (Exception,), {"__module__": 5})
SAID = [
    (OSError("cannot read " + NAME), "OSError: cannot read " + SHOWN),
    (ValueError("\ud800 x"), "ValueError: \\ud800 x"),
    (NoText(), "NoText: (its text cannot be written out)"),
    (Ends(), "Ends: (its text cannot be written out)"),
    (Nameless("a"), "Nameless: a"),
    (Fickle("b"), "Fickle: b"),
    (ODD_MODULE("c"), "OddModule: c"),
    (SystemExit(NAME), "The bot ended its process: SystemExit: " + SHOWN),
]


@pytest.mark.parametrize("number", range(len(SAID)))  # pytest itself fails over the exceptions
def test_a_runs_error_says_what_can_be_said(rig: Rig, horse: WorkHorse, browser: Browser, number: int) -> None:
    """Whatever an exception's text and class are; it is recorded, and told in the log as well."""
    error, said = SAID[number]
    job_id, run_id = carried_out(rig, horse, raising(error))
    shown = answers(browser, job_id, run_id)
    assert (shown["status"], shown["error"]) == ("failed", said)
    assert isinstance(error, SystemExit) or said.partition(":")[0] in rig.log(run_id)[-1]["message"]


PLANTED: list[tuple[dict[str, str | bytes], dict[str, Any]]] = [
    ({"result": json.dumps({"f": NAME})}, {"result": {"f": SHOWN}}),
    ({"result": '{"n": 1%s}' % ("0" * 400)}, {"result": {"n": "1" + "0" * 400}}),
    ({"result": '{"n": 1%s}' % ("0" * 5000)}, {"result": None}),
    ({"result": '{"a":' * 100_000}, {"result": None}),
    ({"result": "{"}, {"result": None}),
    ({"result": b"\xff"}, {"result": None}),
    ({"messages_sent": "1" + "0" * 400}, {"messages_sent": MOST}),
    ({"profiles_visited": "many"}, {"profiles_visited": 0}),
    ({"done": "1" + "0" * 400, "total": "-1"}, {"progress": {"done": MOST, "total": 0}}),
    ({"done": "some-text", "total": "text"}, {"progress": {"done": 0, "total": 0}}),
]


@pytest.mark.parametrize(("stored", "shown"), PLANTED, ids=range(len(PLANTED)))
def test_a_record_that_an_earlier_release_left_is_shown(
    rig: Rig, horse: WorkHorse, browser: Browser, stored: dict[str, str | bytes], shown: dict[str, Any]
) -> None:
    """As far as it can be read; the rest is null or nothing, and no page fails over it."""
    job_id, run_id = carried_out(rig, horse, lambda context: {})
    rig.client.hset(rig.keys.run(run_id), mapping=stored)  # type: ignore[arg-type]
    entry = answers(browser, job_id, run_id)
    assert {name: entry[name] for name in shown} == shown


def test_a_log_line_that_cannot_be_read_is_told_as_such(rig: Rig, horse: WorkHorse, browser: Browser) -> None:
    """The others are shown."""

    def act(context: Any) -> dict[str, Any]:
        context.log.info("first")
        return {}

    job_id, run_id = carried_out(rig, horse, act)
    rig.client.rpush(rig.keys.run_log(run_id), b'{"at": "\xff')
    answers(browser, job_id, run_id)
    assert [line["message"] for line in rig.log(run_id)] == ["first", "This line cannot be read."]
