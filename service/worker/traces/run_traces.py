"""The traces of the runs that a work horse carries out: the header of its requests, and notes for its parent."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic  # as it is now: a bot may put another in its place

import httpx

from service.bots.support import request_hook
from service.domain.run_records import Claim
from service.errors import StoreUnavailable
from service.store.runs.run_hashes import RunStore
from service.tracing.notes import NoteWriter, Requested
from service.tracing.sdk import Sdk
from service.tracing.trace_context import TraceParent, new_span, span_of, trace_of

HEADER = "traceparent"
_OURS = "traceparent_is_ours"
LONGEST_PATH = 500


class RunTraces:
    """Traces one run after the other.

    Args:
        notes: for the parent, which makes spans of them.
        sdk: decides which traces are recorded.
        runs: the run store.
        redacted: removes secrets from a text.
    """

    def __init__(self, notes: NoteWriter, sdk: Sdk, runs: RunStore, redacted: Callable[[str], str]) -> None:
        self._notes = notes
        self._sdk = sdk
        self._runs = runs
        self._redacted = redacted
        self._bot_ms = 0.0

    def begin(self, claim: Claim, asked: float) -> str | None:
        """Begin a run.

        Args:
            claim: the run.
            asked: when the claim was asked for, monotonic seconds.

        Returns:
            The `traceparent` of its bot; None if Redis cannot tell which trace the run continues.
        """
        try:
            continued = claim.run.get("trigger") == "manual" and self._runs.get(claim.run_id)
        except StoreUnavailable:
            return None
        trace_id, parent = trace_of(claim.run_id, continued or {})
        sampled = self._sdk.samples(trace_id, "run", parent)
        bot = TraceParent(trace_id, span_of(claim.run_id, "bot"), sampled)
        request_hook.set_hook(_Requests(bot, claim.started_at - asked * 1000, self._notes, self._redacted))
        return bot.header

    def bot_ended(self, asked: float) -> None:
        """Note that the bot has ended."""
        request_hook.set_hook(None)
        self._bot_ms = (monotonic() - asked) * 1000

    def ended(self, run_id: str) -> None:
        """Note that the run's end is recorded."""
        self._notes.ended(run_id, self._bot_ms)


class _Requests:
    """Sends the requests of one run.

    Args:
        bot: the span around them.
        offset: from monotonic ms to those of Redis' clock.
        notes: for the parent.
        redacted: removes secrets from a text.
    """

    def __init__(self, bot: TraceParent, offset: float, notes: NoteWriter, redacted: Callable[[str], str]) -> None:
        self._bot = bot
        self._offset = offset
        self._notes = notes
        self._redacted = redacted

    def __call__(self, request: httpx.Request, send: Callable[[httpx.Request], httpx.Response]) -> httpx.Response:
        """Send a request with our `traceparent`, unless its job has one of its own, and note how it went."""
        span_id = new_span()
        if HEADER not in request.headers or request.extensions.get(_OURS):  # a repeated one has the header before
            request.headers[HEADER] = TraceParent(self._bot.trace_id, span_id, self._bot.sampled).header
            request.extensions = {**request.extensions, _OURS: True}
        if not self._bot.sampled:
            return send(request)
        start = monotonic()
        facts: dict[str, str | int | bool] = {"http.request.method": request.method, **self._address(request)}
        error: str | None = "interrupted"
        try:
            response = send(request)
            facts["http.response.status_code"] = response.status_code
            error = str(response.status_code) if response.status_code >= 400 else None
            return response
        except Exception as raised:
            error = type(raised).__name__
            raise
        finally:
            if error is not None:
                facts["error.type"] = error
            self._notes.requested(
                Requested(
                    self._bot.trace_id, span_id, self._bot.span_id, request.method, start * 1000 + self._offset,
                    monotonic() * 1000 + self._offset, facts, error,
                )
            )  # fmt: skip

    def _address(self, request: httpx.Request) -> dict[str, str | int]:
        """Return where a request goes: never its query and its user, and nothing of a secret address."""
        url = request.url
        if request.extensions.get(request_hook.UNTOLD):
            return {}
        shown = url.copy_with(username=None, password=None, query=None, fragment=None)
        port = url.port or {"http": 80, "https": 443}.get(url.scheme, 0)
        return {
            "url.full": self._redacted(str(shown))[:LONGEST_PATH],
            "server.address": self._redacted(url.host)[:LONGEST_PATH],
            "server.port": port,
        }
