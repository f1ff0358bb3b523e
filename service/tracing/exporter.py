"""Sends traces from a thread of its own: the parent of a work horse, and the scheduler whose reaper ends runs.

A collector that is slow or away delays nobody. Up to `MOST_WAITING` notes wait for it; further ones are dropped,
counted, and told of in the log once a minute.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Collection, Mapping, Sequence

from redis import Redis

from service.errors import StoreUnavailable
from service.seldom import Seldom
from service.store.keys import Keys
from service.store.server.translation import translate_errors
from service.tracing.notes import LONGEST_NOTE, Ended, NoteWriter, Requested, read_note
from service.tracing.sdk import Sdk
from service.tracing.spans import FIELDS, Span, spans_of
from service.tracing.trace_context import trace_of

log = logging.getLogger(__name__)

MOST_WAITING = 4096
BATCH = 256
"""Notes of which the spans go out together."""
GATHER_SECONDS = 0.2
"""How long notes are gathered after the first of a batch."""
LAST_SECONDS, NAP_SECONDS = 1.0, 0.02
"""How long a process that stops waits for the last spans, and between two looks."""


class Exporter:
    """The notes that wait, and the threads that make and send spans.

    Args:
        client: a connection of its own.
        keys: the installation's key names.
        about_persons: the bots whose errors may name persons; those are not sent.
        secrets: see `service.tracing.sdk.Sdk`.
        sdk: in place of one made of `secrets`.
    """

    def __init__(
        self, client: Redis, keys: Keys, about_persons: Collection[str], secrets: Mapping[str, str],
        sdk: Sdk | None = None,
    ) -> None:  # fmt: skip
        self.sdk = sdk or Sdk(secrets)
        self._client = client
        self._keys = keys
        self._about_persons = frozenset(about_persons)
        self._waiting: queue.Queue[Ended | Requested] = queue.Queue(MOST_WAITING)
        self._dropped = Seldom(log, logging.WARNING)
        self._read, self._written = os.pipe()
        self.notes = NoteWriter(self._written)
        """Writes notes, in this process and in horses, which are forks of it."""
        self._listener = threading.Thread(target=self._listen, name="traces-in", daemon=True)
        self._sender = threading.Thread(target=self._send_all, name="traces-out", daemon=True)

    def start(self) -> None:
        """Begin to listen and to send."""
        self._listener.start()
        self._sender.start()

    def ended(self, run_id: str) -> None:
        """Note that the reaper has ended a run. It never waits."""
        self._queue(Ended(run_id))

    def close(self) -> None:
        """Send what was noted, within `LAST_SECONDS`; any number of times."""
        if self._written < 0:
            return
        os.close(self._written)
        self._written = -1
        if self._listener.ident is None:  # it was never started
            return
        end = time.monotonic() + LAST_SECONDS
        self._listener.join(LAST_SECONDS)
        while self._waiting.unfinished_tasks and time.monotonic() < end:
            time.sleep(NAP_SECONDS)

    def _listen(self) -> None:
        begun = b""
        while text := os.read(self._read, 65536):
            *lines, begun = (begun + text).split(b"\n")
            begun = begun if len(begun) < LONGEST_NOTE else b""  # nobody but a bot writes that
            for line in lines:
                if (note := read_note(line)) is not None:
                    self._queue(note)

    def _queue(self, note: Ended | Requested) -> None:
        if isinstance(note, Ended) and note.lost:
            self._dropped.note(f"{note.lost} spans found no room on their way from the work horse")
        try:
            self._waiting.put_nowait(note)
        except queue.Full:
            self._dropped.note(f"A span is dropped: {MOST_WAITING:,} wait for the collector of traces")

    def _send_all(self) -> None:
        while True:
            batch = self._gathered()
            try:
                spans = self._spans(batch)
                if spans and not self.sdk.export(spans):
                    self._dropped.note(f"The collector of traces did not take {len(spans)} spans, which are dropped")
            except StoreUnavailable:
                self._dropped.note(f"The traces of {len(batch)} notes are dropped, because Redis is away")
            except Exception as error:  # noqa: BLE001 - whatever a library raises must not end the thread; its text may be secret
                self._dropped.note(f"The traces of {len(batch)} notes are dropped ({type(error).__name__})")
            for _ in batch:
                self._waiting.task_done()

    def _gathered(self) -> list[Ended | Requested]:
        batch, until = [self._waiting.get()], time.monotonic() + GATHER_SECONDS
        while len(batch) < BATCH and (left := until - time.monotonic()) > 0 and self._written >= 0:
            try:
                batch.append(self._waiting.get(timeout=left))
            except queue.Empty:
                break
        return batch

    def _spans(self, batch: Sequence[Ended | Requested]) -> list[Span]:
        ends = [note for note in batch if isinstance(note, Ended)]
        spans = [_request(note) for note in batch if isinstance(note, Requested)]
        for note, run in zip(ends, self._records([note.run_id for note in ends]), strict=True):
            if "finished_at" not in run or "started_at" not in run:
                self._dropped.note(f"The trace of run {note.run_id} is dropped: its record is gone")
                continue
            trace = trace_of(note.run_id, run)
            if self.sdk.samples(trace[0], "run", trace[1]):
                shows_error = run.get("bot_type") not in self._about_persons
                spans += spans_of(note.run_id, run, trace, note.bot_ms, shows_error)
        return spans

    def _records(self, run_ids: Sequence[str]) -> list[dict[str, str]]:
        if not run_ids:
            return []
        with translate_errors(), self._client.pipeline(transaction=False) as pipe:
            for run_id in run_ids:
                pipe.hmget(self._keys.run(run_id), FIELDS)
            found = pipe.execute()
        return [
            {
                name: value.decode(errors="replace")
                for name, value in zip(FIELDS, values, strict=True)
                if value is not None
            }
            for values in found
        ]


def _request(note: Requested) -> Span:
    return Span(
        note.method, note.trace_id, note.span_id, note.parent_id, note.start, max(note.start, note.end), note.facts,
        note.error, is_request=True,
    )  # fmt: skip
