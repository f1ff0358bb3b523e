"""OpenTelemetry's SDK: its sampler, its resource and its exporter, each as the OTEL_* variables say.

The only module that imports the SDK, and it is imported only if traces are wanted. Of the SDK's own machinery nothing
runs: its batches live in a thread that starts again in every fork, which a work horse is.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.util.re import parse_env_headers
from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter

from bot_scheduler import __version__
from service.tracing.spans import Span
from service.tracing.trace_context import TraceParent

HEADERS = ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS")
"""Secret, so workers have taken them out of the environment. The first that is set is used."""
LONGEST_ANSWER = 65_536
"""Bytes of an answer that is read. A collector says in a few whether it took the spans."""
_SCOPE = InstrumentationScope("bot-scheduler", __version__)


class Sdk:
    """What the SDK does for one process. To make it starts no thread and no connection.

    Args:
        secrets: variables, among them those with the collector's headers.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        provider = TracerProvider(shutdown_on_exit=False)
        self._sampler, self._resource = provider.sampler, _named(provider.resource)
        given = next((secrets[name] for name in HEADERS if secrets.get(name)), "")
        session = Session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, _ShortAnswers())
        self._exporter = OTLPSpanExporter(headers=parse_env_headers(given, liberal=True), session=session)
        # It logs each failure with a line, and may quote the answer. Who exports tells of them once a minute.
        logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL + 1)

    def samples(self, trace_id: str, name: str, parent: TraceParent | None) -> bool:
        """Return whether a trace is recorded; the same in every process, since samplers go by its id.

        Args:
            trace_id: the trace.
            name: of its first span here.
            parent: the span of somebody else that it continues.
        """
        around = None
        if parent is not None:
            around = set_span_in_context(
                NonRecordingSpan(_context(parent.trace_id, parent.span_id, parent.sampled, True))
            )
        return self._sampler.should_sample(around, int(trace_id, 16), name).decision is Decision.RECORD_AND_SAMPLE

    def export(self, spans: Sequence[Span]) -> bool:
        """Send spans, within the time of OTEL_EXPORTER_OTLP_TIMEOUT. Return whether the collector took them."""
        return self._exporter.export([self._readable(span) for span in spans]) is SpanExportResult.SUCCESS

    def _readable(self, span: Span) -> ReadableSpan:
        parent = None
        if span.parent_id is not None:
            parent = _context(span.trace_id, span.parent_id, True, span.parent_is_remote)
        return ReadableSpan(
            name=span.name,
            context=_context(span.trace_id, span.span_id, True, False),
            parent=parent,
            resource=self._resource,
            attributes=span.facts,
            kind=SpanKind.CLIENT if span.is_request else SpanKind.INTERNAL,
            status=Status(StatusCode.UNSET) if span.error is None else Status(StatusCode.ERROR, span.error or None),
            start_time=_nanoseconds(span.start),
            end_time=_nanoseconds(span.end),
            instrumentation_scope=_SCOPE,
        )


class _ShortAnswers(HTTPAdapter):
    """Reads no answer that does not say at once that it is short: the SDK would keep one without end in memory."""

    def send(self, request: PreparedRequest, stream: bool = False, *args: Any, **options: Any) -> Response:
        """Send a request. Of a long answer only the head is kept."""
        answer = super().send(request, True, *args, **options)
        length = answer.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LONGEST_ANSWER:
            answer.close()
            answer.raw = io.BytesIO()
        return answer


def _named(resource: Resource) -> Resource:
    name = resource.attributes.get(SERVICE_NAME)
    if isinstance(name, str) and not name.startswith("unknown_service"):  # as the SDK calls what nobody has named
        return resource
    return resource.merge(Resource({SERVICE_NAME: "bot-scheduler", SERVICE_VERSION: __version__}))


def _context(trace_id: str, span_id: str, sampled: bool, is_remote: bool) -> SpanContext:
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote, TraceFlags(int(sampled)))


def _nanoseconds(ms: float) -> int:
    return round(ms * 1000) * 1000
