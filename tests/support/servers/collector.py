"""A collector of traces: a real OTLP/HTTP receiver that decodes what comes, and a receiver of webhooks beside it."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass
class Collector:
    """What came: spans with their resources' attributes, the requests' headers, and the calls of webhooks.

    Args:
        address: of the server, without a path.
    """

    address: str = ""
    spans: list[Any] = field(default_factory=list)
    resources: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    calls: list[dict[str, str]] = field(default_factory=list)

    def of_run(self, run_id: str) -> dict[str, Any]:
        """The spans of the trace that a run's outermost span is in, by the first word of their names."""
        traces = {span.trace_id for span in self.spans if facts(span).get("bot_scheduler.run.id") == run_id}
        return {span.name.split()[0]: span for span in self.spans if span.trace_id in traces}


def facts(span: Any) -> dict[str, Any]:
    """The attributes of a span or a resource."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


@contextmanager
def collector(status: int = 200) -> Iterator[Collector]:
    """A collector that answers so."""
    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            if self.path == "/v1/traces":
                found.headers.append(headers)
                body = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
                for each in ExportTraceServiceRequest.FromString(body).resource_spans:
                    found.resources.append(facts(each.resource))
                    found.spans += [span for scope in each.scope_spans for span in scope.spans]
            else:
                found.calls.append({**headers, "path": self.path})
            self.send_response(status if self.path == "/v1/traces" else 200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
