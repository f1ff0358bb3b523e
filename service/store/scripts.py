"""The Lua scripts, made ready for one installation.

Each file of `service/store/lua` is one verb with its contract on top. In front of it stands what it uses, and no more,
since Redis runs a script from its first line each time: the tables `key` (the names of `service.store.keys`, so that no
key is named twice) and `conf`, and parts of `service/store/lua/shared`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Protocol

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import ConnectionError, NoScriptError, RedisError, ResponseError, TimeoutError

from service.settings import Settings
from service.store.keys import Keys
from service.store.server.connection import (
    Answer,
    PatientRedis,
    exchange,
    is_refusal,
    packed,
    repeatable,
    send,
    translate_errors,
)
from service.store.server.data_memory import DataMemory

VERBS = (
    "save_job", "delete_job", "read_due", "decide", "set_aside", "restore_due", "request_run", "release_retry",
    "requeue_run", "claim_run", "renew_lease", "note_run", "end_run", "cancel_run", "hold_lead", "yield_lead",
    "beat_worker", "watch_data", "acknowledge", "read_ahead", "void_decisions", "end_walk", "cut_records",
    "fold_alert", "end_fold",
)  # fmt: skip

READING = ("read_due", "watch_data")
"""Of these, those that write nothing that another release could misread."""

SHARED = ("idempotency", "rq", "metrics", "alerts", "timewatch", "dataset", "wake", "runs")
"""The parts of `service/store/lua/shared`, each after those that it uses; each is a table of its name."""

RQ_SUCCESS_TTL = 500
"""Seconds for which RQ's record of a finished run is kept, RQ's own default; ours is in the history."""
RQ_FAILURE_TTL = 86_400
"""Seconds for which RQ's record of a failed run is kept for rq-dashboard; RQ's default is a year."""
RQ_CANCELED_TTL = 86_400
"""Seconds for which RQ's record of a cancelled run is kept; RQ's default is for ever."""
TOLD_TTL = 400 * 86_400
"""Seconds for which it is remembered that people were told of something, as long as the ledger remembers."""
NEWS_SHOWN = 20
"""Things that a bot has to tell that one alert shows; it counts the others."""
BUCKETS_MS = (
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 1_800_000, 7_200_000,
)  # fmt: skip
"""The upper bounds of the histograms of runs' lateness and duration."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of what happened is kept.

    Args:
        history: ended runs kept of each job, ≥ 1.
        logs: runs of each job that ended last, of those with a log, whose logs are kept.
        runs: newest runs of all jobs listed together.
        waiting: runs of one job that may wait for a slot.
    """

    history: int = 1000
    logs: int = 20
    runs: int = 10_000
    waiting: int = 1000

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """What the operator decided."""
        return cls(history=settings.history_limit, logs=settings.log_runs)


class Gate(Protocol):
    """Checks before each use of Redis, see `service.store.server.startup_checks`. Each raises StoreUnavailable."""

    def reach(self) -> None:
        """Before something is read."""

    def write(self) -> None:
        """Before something is written."""


@dataclass(slots=True)
class Scripts:
    """Runs the scripts of one installation; every one of them is safe to repeat.

    Args:
        client: the connection to run them on.
        keys: the installation's key names.
        limits: how much is kept.
        rq_fields: the fields that all our RQ jobs share, see `service.store.rq_records.rq_template`.
        gate: passed before each use of Redis; None where the process sees to that itself.
        went_back: called when this process notices that the data went back; what it keeps of before is void.
        data: what this process remembers of the data set.
    """

    client: Redis
    keys: Keys
    limits: Limits = field(default_factory=Limits)
    rq_fields: Mapping[str, bytes] = field(default_factory=dict)
    gate: Gate | None = None
    went_back: Callable[[], None] | None = None
    data: DataMemory = field(default_factory=DataMemory)
    _scripts: dict[str, Script] = field(init=False)

    def __post_init__(self) -> None:
        self._scripts = {verb: Script(lua_script(verb, self.keys, self.limits, self.rq_fields)) for verb in VERBS}

    def on(self, client: Redis) -> Scripts:
        """The same scripts, on another connection: putting their texts together takes as long as a hundred calls."""
        twin = copy(self)
        twin.client, twin.gate, twin.went_back = client, None, None  # they would use the connection of these
        return twin

    def run(self, verb: str, *args: str | int | float | bytes) -> Any:
        """Runs one script, and once more if the connection broke before its answer came."""
        return _granted(self.run_in_one((verb, *args))[0])

    def begin(self, verb: str, *args: str | int | float | bytes) -> Callable[[], Any]:
        """Sends one script and does not wait, so that Redis and this process work at the same time.

        Returns:
            What waits for the answer; to be called once, in any case. It answers and raises as `run` does.
        """
        try:
            receive = send(self.client, [self._call(verb, *args)])
        except (RedisError, OSError):
            return lambda: self.run(verb, *args)

        def answer() -> Any:
            try:
                (found,) = receive()
            except TimeoutError:
                with translate_errors():
                    raise
            except ConnectionError:
                return self.run(verb, *args)
            return self.run(verb, *args) if isinstance(found, NoScriptError) else _granted(found)

        return answer

    def read(self, fill: Callable[[Pipeline], object]) -> list[Any]:
        """Reads what `fill` puts into a pipeline, in one round trip; once more if the connection broke."""

        def attempt() -> list[Any]:
            with self.client.pipeline(transaction=False) as pipeline:
                fill(pipeline)
                return pipeline.execute()

        return self.ask(attempt)

    def run_many(self, verb: str, calls: Sequence[Sequence[str | int | float | bytes]]) -> list[Any]:
        """Runs one script once for each list of arguments, in one round trip; answers as `run_in_one` does."""
        return self.run_in_one(*((verb, *args) for args in calls))

    def run_in_one(self, *calls: Sequence[str | int | float | bytes]) -> list[Any]:
        """Runs scripts, each a verb and its arguments, one after the other in one round trip.

        Returns:
            Their answers in order; a call that Redis refused has its exception in its place.
        """

        if self.gate is not None and any(verb not in READING for verb, *_ in calls):
            self.gate.write()
        commands = [self._call(str(verb), *args) for verb, *args in calls]
        answers = self.ask(lambda: exchange(self.client, commands)) if calls else []
        if any(isinstance(answer, NoScriptError) for answer in answers):
            # By their texts, which Redis keeps then: no flush in between can make it forget them again.
            commands = [packed("EVAL", self._scripts[str(verb)].text, 0, *args) for verb, *args in calls]
            answers = self.ask(lambda: exchange(self.client, commands))
        return answers

    def _call(self, verb: str, *args: str | int | float | bytes) -> bytes:
        return packed("EVALSHA", self._scripts[verb].sha, 0, *args)

    def ask(self, call: Callable[[], Answer]) -> Answer:
        """Makes a call that is safe to repeat, and once more if the connection broke. Raises StoreUnavailable."""
        if self.data.is_time_to_look():
            self.look_at_data("watch_data")
        if self.gate is not None:
            self.gate.reach()
        with translate_errors():
            return repeatable(call)

    def look_at_data(self, verb: str, *args: str | int) -> None:
        """Runs a script that looks at the data set and answers what became of it."""
        self.note_data(self.run(verb, *args, *self.data.arguments()))

    def note_data(self, answer: Sequence[bytes]) -> None:
        """Takes in what became of the data set."""
        if self.data.take_in(answer) and self.went_back is not None:
            self.went_back()


def _granted(answer: Any) -> Any:
    """An answer, unless it is a refusal."""
    if isinstance(answer, ResponseError):
        with translate_errors():
            raise answer
    return answer


class Script:
    """A script's text, and the name by which Redis knows it (SCRIPT LOAD): the SHA-1 of the text.

    Args:
        text: the script.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class LoneScript:
    """A script that stands alone and is handed its keys.

    Args:
        client: the connection to run it on.
        text: the script.
    """

    def __init__(self, client: Redis, text: str) -> None:
        self._client = client
        self._script = Script(text)

    def __call__(self, keys: Sequence[str], args: Sequence[str | int | float | bytes]) -> Any:
        """Runs it."""
        return self.many([(keys, args)])[0]

    def many(self, calls: Sequence[tuple[Sequence[str], Sequence[str | int | float | bytes]]]) -> list[Any]:
        """Runs it once for each pair of keys and arguments, in one round trip.

        What Redis did not run, since it does not know the script, it is sent again with the text, which no flush in
        between can undo.
        """
        answers = exchange(self._client, [self._call("EVALSHA", self._script.sha, *call) for call in calls])
        while again := self._not_run(answers):
            texts = [self._call("EVAL", self._script.text, *calls[index]) for index in again]
            for index, answer in zip(again, exchange(self._client, texts), strict=True):
                answers[index] = answer
        for answer in answers:
            if isinstance(answer, ResponseError):
                raise answer
        return answers

    def _not_run(self, answers: Sequence[Any]) -> list[int]:
        """Which calls are to be made again: the script was unknown, or Redis refuses writes and the client waits."""
        patient = isinstance(self._client, PatientRedis) and self._client.has_waited_for(*answers)
        return [
            index for index, answer in enumerate(answers)
            if isinstance(answer, NoScriptError) or (patient and is_refusal(answer))
        ]  # fmt: skip

    def _call(self, command: str, script: str, keys: Sequence[str], args: Sequence[str | int | float | bytes]) -> bytes:
        return packed(command, script, len(keys), *keys, *args)


def script_of(client: Redis, name: str) -> LoneScript:
    """A script that stands alone, after the part of `service/store/lua/shared` that it names."""
    return LoneScript(client, _lone(name))


@cache
def _lone(name: str) -> str:
    body = _source(name)
    return f"{_source('shared/people')}\n{body}" if "people." in body else body


@cache
def _source(name: str) -> str:
    return resources.files("service.store").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")


def lua_script(verb: str, keys: Keys, limits: Limits, rq_fields: Mapping[str, bytes]) -> str:
    """The whole text of a verb's script."""
    body = _source(verb)
    for name in reversed(SHARED):
        if f"{name}." in body:
            body = f"{_source(f'shared/{name}')}\n{body}"
    body = f"{_source('shared/base')}\n{body}"
    return f"{lua_keys(keys, body)}\n{lua_conf(limits, rq_fields, body)}\n{body}"


def lua_string(value: str | bytes) -> str:
    """`value` as a Lua string literal; every byte that is not plain is written as `\\ddd`."""
    data = value.encode() if isinstance(value, str) else value
    return '"' + "".join(chr(b) if chr(b).isalnum() and b < 128 else f"\\{b:03d}" for b in data) + '"'


def lua_keys(keys: Keys, body: str) -> str:
    """The table `key` for what `body` names: texts, and functions of one id."""
    lines = []
    for name in sorted(set(re.findall(r"\bkey\.(\w+)", body))):
        value = getattr(keys, name)
        if isinstance(value, str):
            lines.append(f"{name} = {lua_string(value)}")
        else:
            head, tail = value("\0").split("\0")
            lines.append(f"{name} = function(id) return {lua_string(head)} .. id .. {lua_string(tail)} end")
    return "local key = {" + ", ".join(lines) + "}"


def lua_conf(limits: Limits, rq_fields: Mapping[str, bytes], body: str) -> str:
    """The table `conf` for what `body` names."""
    conf = {
        "history_limit": str(limits.history),
        "log_runs": str(limits.logs),
        "runs_limit": str(limits.runs),
        "waiting_limit": str(limits.waiting),
        "rq_success_ttl": str(RQ_SUCCESS_TTL),
        "rq_failure_ttl": str(RQ_FAILURE_TTL),
        "rq_canceled_ttl": str(RQ_CANCELED_TTL),
        "told_ttl": str(TOLD_TTL),
        "news_shown": str(NEWS_SHOWN),
        "buckets": f"{{{', '.join(map(str, BUCKETS_MS))}}}",
        "rq": f"{{{', '.join(lua_string(part) for pair in rq_fields.items() for part in pair)}}}",
    }
    used = sorted(set(re.findall(r"\bconf\.(\w+)", body)))
    return f"local conf = {{{', '.join(f'{name} = {conf[name]}' for name in used)}}}"
