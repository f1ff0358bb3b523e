"""The exporter of traces: its notes, its bounds, and which spans a run's record makes."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.bots.support import request_hook
from service.bots.support.network_guard import GuardedBackend, GuardedTransport
from service.egress import Egress
from service.tracing.exporter import MOST_WAITING, Exporter
from service.tracing.notes import Ended, NoteWriter, Requested, read_note
from service.tracing.sdk import Sdk
from service.tracing.spans import Span, spans_of
from service.tracing.trace_context import read, trace_of
from service.worker.traces.run_traces import RunTraces
from tests.support.processes import find_free_port
from tests.support.servers.hostile import Endless, taking_at_most
from tests.support.servers.http import QuietHandler, serving
from tests.support.store_rig import EchoConfig, Rig
from tests.support.work_horse import carry_out, tame_horse

THEIRS = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Quick:
    """A bot that does nothing but remember the header it was given."""

    name = "echo"
    Config = EchoConfig
    uses_settings = ()
    safe_to_rerun = True
    seen: list[str | None] = []

    def run(self, context: Any) -> dict[str, Any]:
        self.seen.append(context.run.traceparent)
        return {}


class Kept(Sdk):
    """The SDK, with a collector that keeps what comes; until `lets` is set, it does not answer."""

    def __init__(self) -> None:
        super().__init__({})
        self.taken: list[Span] = []
        self.asked, self.lets = threading.Event(), threading.Event()

    def export(self, spans: Sequence[Span]) -> bool:
        self.asked.set()
        self.lets.wait(30)
        self.taken += spans
        return True


@pytest.fixture
def kept() -> Iterator[Kept]:
    made = Kept()
    yield made
    made.lets.set()


def exporter(rig: Rig, sdk: Sdk, persons: Sequence[str] = ()) -> Exporter:
    return Exporter(rig.client, rig.keys, persons, {}, sdk)


def run_traced(rig: Rig, made: Exporter, **asked: Any) -> str:
    """Has a horse carry out a run by hand; returns its id."""
    horse = tame_horse(rig.client, rig.keys, Quick)
    horse._traces = RunTraces(made.notes, made.sdk, rig.runs, lambda text: text)
    run_id = rig.use.run_now(rig.make_job(), **asked)
    carry_out(horse, run_id)
    return run_id


@pytest.mark.parametrize("traced", [True, False])
def test_the_bot_knows_the_trace_that_came_with_the_request(traced: bool, rig: Rig, kept: Kept) -> None:
    """Nothing is stored of it while traces are off."""
    rig.use.traced = traced
    made = exporter(rig, kept)
    run_id = run_traced(rig, made, traceparent=THEIRS)
    stored = rig.client.hget(rig.keys.run(run_id), "traceparent")
    assert stored == (THEIRS.encode() if traced else None)
    kept.lets.set()
    made.start()
    made.close()
    (whole,) = (span for span in kept.taken if span.name == "run echo")
    (bot,) = (span for span in kept.taken if span.name == "bot echo")
    seen = read(Quick.seen[-1])
    assert seen is not None and (seen.trace_id, seen.span_id) == (bot.trace_id, bot.span_id)
    assert (whole.trace_id == THEIRS[3:35]) is traced and (whole.parent_id == THEIRS[36:52]) is traced


def test_a_collector_that_hangs_fills_no_memory_and_is_told_of_once(
    rig: Rig, kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    made = exporter(rig, kept)
    run_id = run_traced(rig, made)
    with caplog.at_level(logging.WARNING):
        made.start()
        assert kept.asked.wait(10), "its run's spans are on their way, and hang"
        for _ in range(MOST_WAITING + 500):
            made.ended(run_id)
    said = [record.getMessage() for record in caplog.records if "is dropped" in record.getMessage()]
    assert len(said) == 1 and f"{MOST_WAITING:,} wait" in said[0]


def test_a_full_pipe_delays_nobody_and_its_losses_are_told() -> None:
    reads, writes = os.pipe()
    writer = NoteWriter(writes)
    for _ in range(5000):
        writer.ended("a run", 1.0)
    os.set_blocking(reads, False)
    fitted = 0
    while True:
        try:
            fitted += os.read(reads, 65536).count(b"\n")
        except BlockingIOError:
            break
    writer.ended("a run", None)
    assert read_note(os.read(reads, 65536).rstrip(b"\n")) == Ended("a run", None, 5000 - fitted)
    os.close(reads)
    os.close(writes)


@given(
    st.binary(max_size=60)
    | st.sampled_from([b'["end", 1, 2, 3]', b'["request"]', b'["end", "x", "y", 1]', b"[" * 4000])
)
def test_what_a_bot_writes_into_the_pipe_is_passed_over(line: bytes) -> None:
    assert read_note(line) is None


@given(
    times=st.lists(st.integers(0, 10**13), min_size=3, max_size=3).map(sorted),
    due=st.none() | st.integers(0, 10**13),
    bot_ms=st.none() | st.floats(0, 1e9),
)
def test_spans_lie_within_each_other(times: list[int], due: int | None, bot_ms: float | None) -> None:
    """Whatever the record says, also if a delay lies between the decision and the due time."""
    run = {"job_id": "a job", "status": "failed", "error": "one\ntwo", "bot_type": "echo"}
    run |= {name: str(at) for name, at in zip(("queued_at", "started_at", "finished_at"), times, strict=True)}
    if due is not None:
        run["due"] = str(due)
    whole, *inner = spans_of("a run", run, trace_of("a run", run), bot_ms, True)
    assert whole.end == times[2] and whole.error == "one" and whole.start <= times[0]
    for span in inner:
        assert span.parent_id == whole.span_id
        assert whole.start <= span.start <= span.end <= whole.end
    assert {span.name for span in inner} >= {"decide", "claim", "bot echo"} and (len(inner) == 4) is (
        bot_ms is not None
    )
    assert spans_of("a run", run, trace_of("a run", run), bot_ms, False)[0].error == ""


def test_a_request_that_fails_is_noted_and_its_own_header_is_kept() -> None:
    """Its query and user are not in the note. A job's own traceparent is sent as it is."""
    reads, writes = os.pipe()
    hook = _hook(NoteWriter(writes))
    port = find_free_port()
    request = httpx.Request("GET", f"http://user:secret@127.0.0.1:{port}/p?q=secret", headers={"traceparent": "mine"})
    request_hook.set_hook(hook)
    try:
        with GuardedTransport(GuardedBackend(Egress.of("127.0.0.1"))) as transport, pytest.raises(httpx.ConnectError):
            transport.handle_request(request)
    finally:
        request_hook.set_hook(None)
    note = read_note(os.read(reads, 65536).rstrip(b"\n"))
    assert isinstance(note, Requested) and note.error == "ConnectError" == note.facts["error.type"]
    assert note.facts["url.full"] == f"http://127.0.0.1:{port}/p" and "secret" not in str(note)
    assert request.headers["traceparent"] == "mine"
    os.close(reads)
    os.close(writes)


def _hook(notes: NoteWriter) -> Any:
    from service.tracing.trace_context import TraceParent
    from service.worker.traces.run_traces import _Requests

    return _Requests(TraceParent("a" * 32, "b" * 16, True), 0.0, notes, lambda text: text)


@pytest.mark.parametrize(
    ("sampler", "argument", "parent", "sampled"),
    [
        ("always_off", "", None, False), ("parentbased_always_on", "", None, True), ("traceidratio", "0", None, False),
        ("parentbased_always_on", "", THEIRS[:-1] + "0", False), ("parentbased_traceidratio", "0", THEIRS, True),
    ],
)  # fmt: skip
def test_the_sampler_is_the_sdks(
    sampler: str, argument: str, parent: str | None, sampled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", argument)
    trace_id, around = trace_of("a run", {"traceparent": parent or ""})
    assert Sdk({}).samples(trace_id, "run", around) is sampled


@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request"])
def test_a_collectors_answer_without_end_is_not_read(status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK would keep it in memory."""
    endless = Endless(f"HTTP/1.1 {status}\r\n\r\n".encode(), b"x")

    class Collecting(QuietHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            endless(self)

    with serving(Collecting) as address:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        facts: dict[str, Any] = {"trace_id": "a" * 32, "span_id": "b" * 16, "parent_id": None, "start": 0.0, "end": 1.0}
        span = Span(**facts, name="run", facts={}, error=None, is_request=False, parent_is_remote=False)
        with taking_at_most(8 * 2**20):
            assert Sdk({}).export([span]) is (status == "200 OK")
