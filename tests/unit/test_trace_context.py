"""`traceparent`, by the rules of W3C Trace Context, and the ids that follow from a run's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from service.tracing.trace_context import LONGEST, TraceParent, new_span, read, span_of, trace_of

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    "header",
    [
        "", "00", f"00-{TRACE}-{SPAN}", f"ff-{TRACE}-{SPAN}-01", f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE}-{SPAN}-01-more", f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-01,00-{TRACE}-{SPAN}-01", f"01-{TRACE}-{SPAN}-01more", f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n", f"01-{TRACE}-{SPAN}-01-{'a' * LONGEST}", f"00-{TRACE}-{SPAN}-zz",
        "٠٠" + f"-{TRACE}-{SPAN}-01",
    ],
)  # fmt: skip
def test_an_invalid_header_begins_a_new_trace(header: str) -> None:
    assert read(header) is None
    run = {"traceparent": header}
    assert trace_of("a run", run) == trace_of("a run", {}) and trace_of("a run", run)[1] is None


@pytest.mark.parametrize(
    ("header", "sampled"),
    [
        (f"00-{TRACE}-{SPAN}-01", True), (f"00-{TRACE}-{SPAN}-00", False), (f"00-{TRACE}-{SPAN}-03", True),
        (f"cc-{TRACE}-{SPAN}-01-what-comes-later", True), (f" 00-{TRACE}-{SPAN}-01 ", True),
    ],
)  # fmt: skip
def test_a_valid_header_is_continued(header: str, sampled: bool) -> None:
    parent = TraceParent(TRACE, SPAN, sampled)
    assert read(header) == parent
    assert trace_of("a run", {"traceparent": header}) == (TRACE, parent)


@given(run_id=st.text(), name=st.sampled_from(["run", "bot"]), sampled=st.booleans())
def test_opentelemetry_reads_what_is_written(run_id: str, name: str, sampled: bool) -> None:
    """And the ids of two runs, and of two spans of a run, differ."""
    trace_id, span_id = trace_of(run_id, {})[0], span_of(run_id, name)
    header = TraceParent(trace_id, span_id, sampled).header
    found = trace.get_current_span(TraceContextTextMapPropagator().extract({"traceparent": header})).get_span_context()
    assert (f"{found.trace_id:032x}", f"{found.span_id:016x}", found.trace_flags.sampled) == (
        trace_id, span_id, sampled,
    )  # fmt: skip
    assert read(header) == TraceParent(trace_id, span_id, sampled)
    assert trace_id != trace_of(run_id + "x", {})[0] and span_id != span_of(run_id, "end") != new_span()
