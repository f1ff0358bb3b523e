"""The trace of a run: its ids, which follow from the run's, and the header `traceparent` (W3C Trace Context).

The ids are digests, so every process knows the trace of a run without a record of it, and the process that ends a run
can make spans to which others have already referred.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

_HEADER = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
LONGEST = 512
"""Characters of a header that is still read; a later version may have more fields than ours, which has 55."""


@dataclass(frozen=True, slots=True)
class TraceParent:
    """A span, as others refer to it.

    Args:
        trace_id: 32 hexadecimal digits, not all zero.
        span_id: 16 of them.
        sampled: whether the span's trace is recorded.
    """

    trace_id: str
    span_id: str
    sampled: bool

    @property
    def header(self) -> str:
        """The header's value, in version 00."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"


def read(header: str | None) -> TraceParent | None:
    """Read a `traceparent`.

    Returns:
        The span; None if it is absent or invalid, and then a new trace begins (Trace Context, 3.2 and 4.3). A
        later version is read as far as ours goes.
    """
    if header is None or len(header) > LONGEST or (match := _HEADER.fullmatch(header.strip(" \t"))) is None:
        return None
    version, trace_id, span_id, flags, more = match.groups()
    if version == "00" and more is not None:
        return None
    return TraceParent(trace_id, span_id, bool(int(flags, 16) & 1))


def trace_of(run_id: str, run: Mapping[str, str]) -> tuple[str, TraceParent | None]:
    """Return the id of a run's trace, and the span of somebody else that it continues, if any.

    Args:
        run_id: the run.
        run: its record; `traceparent` is what came with the request for it.
    """
    parent = read(run.get("traceparent"))
    return (_digest("trace", run_id, 32), None) if parent is None else (parent.trace_id, parent)


def span_of(run_id: str, name: str) -> str:
    """Return the id of one of a run's own spans.

    Args:
        run_id: the run.
        name: which one; `run` is the outermost.
    """
    return _digest(name, run_id, 16)


def new_span() -> str:
    """Return an id for a span of which there may be any number."""
    return os.urandom(8).hex()


def _digest(name: str, run_id: str, length: int) -> str:
    return hashlib.sha256(f"{name}/{run_id}".encode()).hexdigest()[:length]
