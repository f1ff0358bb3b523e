"""Runner of the Lua scripts of one installation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import ConnectionError, NoScriptError, RedisError, ResponseError, TimeoutError

from service.store.keys import Keys
from service.store.scripts.assembly import lua_script
from service.store.scripts.limits import Limits
from service.store.scripts.lone_script import Argument, Script
from service.store.server.data_memory import DataMemory
from service.store.server.exchange import Answer, Meanwhile, exchange, exchange_one, packed, repeatable, send
from service.store.server.translation import translate_errors

VERBS = (
    "save_job", "delete_job", "read_due", "decide", "set_aside", "restore_due", "request_run",
    "move_run", "start_run", "release_delayed", "repeat_runs", "keep_answer",
    "start_backfill", "feed_backfill", "cancel_backfill",
    "requeue_run", "claim_run", "release_claim", "renew_lease", "note_run", "end_run", "end_and_claim", "cancel_run",
    "hold_lead", "yield_lead", "beat_worker", "watch_data", "acknowledge", "read_ahead", "void_decisions", "end_walk",
    "cut_records", "end_fold", "recount_job", "take_over", "mend_counts",
    "save_key", "find_key", "revoke_key", "open_session", "find_session", "end_session",
    "count_guesses", "take_token", "note_memory",
    "restore_job", "note_refusals", "delete_ended",
    "save_calendar", "delete_calendar", "replan_job", "end_replanning",
    "make_pause", "end_pause", "resume_jobs", "cancel_paused",
    "save_channel", "delete_channel", "save_rule", "delete_rule", "sort_alert", "settle_delivery", "decide_edit",
    "renew_link_secret", "snooze_job", "end_snooze",
    "note_planning", "read_books", "hold_lease", "note_troubles", "note_delivery", "watch_clock", "judge_job",
    "note_ping",
)  # fmt: skip

READING = ("read_due", "watch_data", "find_key", "find_session", "read_books")
"""The scripts whose writes every release can read."""


class Gate(Protocol):
    """Checks before each use of Redis, see `service.store.server.startup_checks`.

    Both raise StoreUnavailable.
    """

    def reach(self) -> None:
        """Check before something is read."""

    def write(self) -> None:
        """Check before something is written."""


@dataclass(slots=True)
class Scripts:
    """The scripts of one installation. Each of them is safe to repeat.

    Args:
        client: the connection that runs them.
        keys: the installation's key names.
        limits: how much they keep.
        rq_fields: the fields that all our RQ jobs share, see `service.store.rq_records.rq_template`.
        gate: checks before each use of Redis; None where the process makes them itself.
        went_back: called when this process notices that the data went back, so that its caches are void.
        data: the memory of the data set in this process.
    """

    client: Redis
    keys: Keys
    limits: Limits = field(default_factory=Limits)
    rq_fields: Mapping[str, bytes] = field(default_factory=dict)
    gate: Gate | None = None
    went_back: Callable[[], None] | None = None
    data: DataMemory = field(default_factory=DataMemory)
    _scripts: Mapping[str, Script] = field(init=False)

    def __post_init__(self) -> None:
        self._scripts = _made(self.keys, self.limits, tuple(self.rq_fields.items()))

    def on(self, client: Redis) -> Scripts:
        """Copy these scripts to another connection."""
        twin = copy(self)
        twin.client, twin.gate, twin.went_back = client, None, None  # these would use the first connection
        return twin

    def on_line(self, client: Redis) -> Scripts:
        """Copy these scripts to another connection of the same process, with the same checks and memory."""
        twin = copy(self)
        twin.client = client
        return twin

    def run(self, verb: str, *args: Argument) -> Any:
        """Run one script, and once more if the connection broke before the answer came."""
        return _granted(self.run_in_one((verb, *args))[0])

    def run_marked(
        self, verb: str, args_of: Callable[[bool], Sequence[Argument]], *, repeated: bool, meanwhile: Meanwhile = None
    ) -> Any:
        """Run one script that must know whether an earlier call may have been carried out; see `run`.

        Args:
            verb: the script's.
            args_of: returns its arguments, given that.
            repeated: an earlier call of ours was not answered.
            meanwhile: called each time that it was sent, while Redis works.
        """
        again = repeated

        def attempt() -> Any:
            nonlocal again
            args, again = args_of(again), True
            answer = exchange_one(self.client, self._call(verb, *args), meanwhile)
            if isinstance(answer, NoScriptError):
                answer = exchange_one(self.client, packed("EVAL", self._scripts[verb].text, 0, *args))
            return answer

        return _granted(self.ask(attempt))

    def begin(self, verb: str, *args: Argument) -> Callable[[], Any]:
        """Send one script without waiting, so that Redis and this process work at the same time.

        Returns:
            A function that waits for the answer; call it exactly once. It answers and raises as `run` does.
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
        """Read, in one round trip, what `fill` puts into a pipeline; once more if the connection broke."""

        def attempt() -> list[Any]:
            with self.client.pipeline(transaction=False) as pipeline:
                fill(pipeline)
                return pipeline.execute()

        return self.ask(attempt)

    def run_many(self, verb: str, calls: Sequence[Sequence[Argument]]) -> list[Any]:
        """Run one script once for each list of arguments, in one round trip; answer as `run_in_one` does."""
        return self.run_in_one(*((verb, *args) for args in calls))

    def run_in_one(self, *calls: Sequence[Argument]) -> list[Any]:
        """Run scripts, each a verb and its arguments, one after the other in one round trip.

        Returns:
            Their answers in order, with the exception in the place of a call that Redis refused.
        """
        if self.gate is not None and any(verb not in READING for verb, *_ in calls):
            self.gate.write()
        commands = [self._call(str(verb), *args) for verb, *args in calls]
        answers = self.ask(lambda: exchange(self.client, commands)) if calls else []
        if any(isinstance(answer, NoScriptError) for answer in answers):
            # Redis keeps the texts that it runs, so that no flush in between can make it forget them again.
            commands = [packed("EVAL", self._scripts[str(verb)].text, 0, *args) for verb, *args in calls]
            answers = self.ask(lambda: exchange(self.client, commands))
        return answers

    def _call(self, verb: str, *args: Argument) -> bytes:
        return packed("EVALSHA", self._scripts[verb].sha, 0, *args)

    def ask(self, call: Callable[[], Answer]) -> Answer:
        """Make a call that is safe to repeat, and once more if the connection broke. Raises StoreUnavailable."""
        if self.data.is_time_to_look():
            self.look_at_data("watch_data")
        if self.gate is not None:
            self.gate.reach()
        try:
            return repeatable(call)
        except (RedisError, OSError):  # to enter a context manager takes as long as to pack a command
            with translate_errors():
                raise

    def look_at_data(self, verb: str, *args: str | int) -> None:
        """Run a script that looks at the data set, and note its answer."""
        self.note_data(self.run(verb, *args, *self.data.arguments()))

    def note_data(self, answer: Sequence[bytes]) -> None:
        """Note the state of the data set; call `went_back` if it went back."""
        if self.data.take_in(answer) and self.went_back is not None:
            self.went_back()


@lru_cache(maxsize=4)
def _made(keys: Keys, limits: Limits, rq_fields: tuple[tuple[str, bytes], ...]) -> Mapping[str, Script]:
    """Assemble all scripts, once for a process' whole life: to assemble them takes as long as a hundred calls."""
    return {verb: Script(lua_script(verb, keys, limits, dict(rq_fields))) for verb in VERBS}


def _granted(answer: Any) -> Any:
    """Return the answer; raise it if it is a refusal."""
    if isinstance(answer, ResponseError):
        with translate_errors():
            raise answer
    return answer
