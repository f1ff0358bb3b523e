"""The Lua scripts, made ready for one installation.

Each file of `service/lua` is one verb with its contract on top. Before it is put what it uses, and no more, since a
script is run from its first line each time: the tables `key` (the names of `service.keys`, so that no key is named
twice) and `conf`, and parts of `service/lua/shared`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from redis import Redis
from redis.client import Pipeline
from redis.commands.core import Script
from redis.exceptions import ConnectionError, NoScriptError, RedisError, ResponseError, TimeoutError

from service.keys import Keys
from service.settings import Settings
from service.store.connection import Answer, exchange, packed, repeatable, send, translate_errors
from service.store.data_memory import DataMemory

VERBS = (
    "save_job", "delete_job", "read_due", "decide", "set_aside", "restore_due", "request_run", "release_retry",
    "requeue_run", "claim_run", "renew_lease", "note_run", "end_run", "cancel_run", "hold_lead", "yield_lead",
    "beat_worker", "watch_data", "acknowledge", "read_ahead", "void_decisions", "end_walk", "cut_records",
)  # fmt: skip

SHARED = ("idempotency", "rq", "metrics", "alerts", "timewatch", "dataset", "runs")
"""The parts of `service/lua/shared`, each after those that it uses; each is a table of its name."""

RQ_SUCCESS_TTL = 500
"""Seconds for which RQ's record of a finished run is kept, RQ's own default; ours is in the history."""
RQ_FAILURE_TTL = 86_400
"""Seconds for which RQ's record of a failed run is kept for rq-dashboard; RQ's default is a year."""
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


@dataclass(slots=True)
class Scripts:
    """Runs the scripts of one installation; every one of them is safe to repeat.

    Args:
        client: the connection to run them on.
        keys: the installation's key names.
        limits: how much is kept.
        rq_fields: the fields that all our RQ jobs share, see `service.dispatch.rq_template`.
        arrive: done before the first use of Redis, again until it does not raise; and when the data went back.
        data: what this process remembers of the data set.
    """

    client: Redis
    keys: Keys
    limits: Limits = field(default_factory=Limits)
    rq_fields: Mapping[str, bytes] = field(default_factory=dict)
    arrive: Callable[[], None] | None = None
    data: DataMemory = field(default_factory=DataMemory)
    _arrived: bool = field(init=False, default=False)
    _scripts: dict[str, Script] = field(init=False)

    def __post_init__(self) -> None:
        self._scripts = {
            verb: self.client.register_script(lua_script(verb, self.keys, self.limits, self.rq_fields))
            for verb in VERBS
        }

    def on(self, client: Redis) -> Scripts:
        """The same scripts, on another connection: putting their texts together takes as long as a hundred calls."""
        twin = copy(self)
        twin.client, twin.arrive = client, None  # which would use the connection of these
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

        commands = [self._call(str(verb), *args) for verb, *args in calls]
        answers = self.ask(lambda: exchange(self.client, commands)) if calls else []
        if any(isinstance(answer, NoScriptError) for answer in answers):
            for verb, *_ in calls:
                self.ask(lambda text=self._scripts[str(verb)].script: self.client.script_load(text))  # type: ignore[misc]
            answers = self.ask(lambda: exchange(self.client, commands))
        return answers

    def _call(self, verb: str, *args: str | int | float | bytes) -> bytes:
        return packed("EVALSHA", self._scripts[verb].sha, 0, *args)

    def ask(self, call: Callable[[], Answer]) -> Answer:
        """Makes a call that is safe to repeat, and once more if the connection broke. Raises StoreUnavailable."""
        if self.data.is_time_to_look():
            self.look_at_data("watch_data")
        if self.arrive is not None and not self._arrived:
            self.arrive()
            self._arrived = True
        with translate_errors():
            return repeatable(call)

    def look_at_data(self, verb: str, *args: str | int) -> None:
        """Runs a script that looks at the data set and answers what became of it."""
        self.note_data(self.run(verb, *args, *self.data.arguments()))

    def note_data(self, answer: Sequence[bytes]) -> None:
        """Takes in what became of the data set. Once it went back, this process arrives as if it had just started."""
        if self.data.take_in(answer):
            self._arrived = False


def _granted(answer: Any) -> Any:
    """An answer, unless it is a refusal."""
    if isinstance(answer, ResponseError):
        with translate_errors():
            raise answer
    return answer


def script_of(client: Redis, name: str) -> Script:
    """A script that stands alone and is handed its keys."""
    return client.register_script(_source(name))


@cache
def _source(name: str) -> str:
    return resources.files("service").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")


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
        "buckets": f"{{{', '.join(map(str, BUCKETS_MS))}}}",
        "rq": f"{{{', '.join(lua_string(part) for pair in rq_fields.items() for part in pair)}}}",
    }
    used = sorted(set(re.findall(r"\bconf\.(\w+)", body)))
    return f"local conf = {{{', '.join(f'{name} = {conf[name]}' for name in used)}}}"
