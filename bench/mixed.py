"""The API beside long work in the same web process: `python -m bench.mixed --help`.

`GET /jobs/{id}` by 16 connections, of one web process with 5,000 jobs: alone, beside an import of 20,000 vCards, beside
an export of all jobs, beside 4 clients that read whole lists, and beside all of these. Each of them starts again once
it is done. `--before REV` measures that revision in the same rounds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from bench.load import Ask, ask, tool
from bench.ours import API_KEY
from bench.paired import Paired
from bench.revisions import revisions
from bench.suite import Chosen
from bench.web import Web, web

JOBS = 5_000
CARDS = 20_000
READERS = 4
SECONDS = 12.0


class Again:
    """Asks one thing again and again in a thread while it is entered.

    Args:
        up: whom it asks.
        method: the request's.
        path: the request's.
        body: the request's; none if empty.
        kind: the body's type.
    """

    def __init__(self, up: Web, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> None:
        self._up = up
        self._request = method, path, body, {"X-API-Key": API_KEY, "Content-Type": kind}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._taken: list[float] = []
        self._failed = 0

    def __enter__(self) -> Again:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(120)

    def _work(self) -> None:
        while not self._stop.is_set():
            begun = time.monotonic()
            try:
                status = self._up.asked(*self._request)[0]
            except OSError:
                status = 0
            if 200 <= status < 300:
                self._taken.append(time.monotonic() - begun)
            else:
                self._failed += 1
                self._stop.wait(0.5)

    @property
    def figures(self) -> tuple[int, float, int]:
        """How many were answered, the seconds of one in the mean (0 if none was), and how many were not."""
        count = len(self._taken)
        return count, sum(self._taken) / count if count else 0.0, self._failed


def cards(count: int) -> bytes:
    """A vCard file of so many people."""
    lines = [
        f"BEGIN:VCARD\r\nVERSION:3.0\r\nN:Person {n};Given;;;\r\nFN:Given Person {n}\r\n"
        f"BDAY:19{n % 90 + 10}-{n % 12 + 1:02}-{n % 28 + 1:02}\r\nEMAIL;TYPE=HOME:person{n}@example.org\r\n"
        f"TEL;TYPE=CELL:+43 660 {n:07}\r\nEND:VCARD\r\n" for n in range(count)
    ]  # fmt: skip
    return "".join(lines).encode()


def works(up: Web, file: bytes) -> Mapping[str, Sequence[Again]]:
    """Each kind of long work."""
    return {
        "imports": [Again(up, "POST", "/scheduler/contacts/import", file, "text/vcard")],
        "exports": [Again(up, "GET", "/scheduler/export")],
        "lists": [Again(up, "GET", "/scheduler/jobs") for _ in range(READERS)],
    }


PARTS = {
    "alone": (), "beside imports": ("imports",), "beside exports": ("exports",), "beside whole lists": ("lists",),
    "beside all of these": ("imports", "exports", "lists"),
}  # fmt: skip
"""What is measured, and beside which work."""


def measure(up: Web, names: Sequence[str], file: bytes, seconds: float) -> dict[str, Any]:
    """The API beside some work, and how that went meanwhile."""
    what = Ask([f"/scheduler/jobs/{job_id}" for job_id in up.ids[:1000]])
    under_way = {name: one for name, one in works(up, file).items() if name in names}
    cpu = up.place.cpu("web")
    with ExitStack() as stack:
        for again in (one for many in under_way.values() for one in many):
            stack.enter_context(again)
        time.sleep(min(0.5, seconds / 4))
        answer = ask(up.port, what, seconds, up.place.folder)
        cpu = 100 * (up.place.cpu("web") - cpu) / seconds
    figures: dict[str, float] = {}
    for name, many in under_way.items():
        counts, means, failures = zip(*(one.figures for one in many), strict=True)
        figures |= {name: sum(counts), f"{name}_seconds": max(means), f"{name}_failed": sum(failures)}
    return {**answer, "cpu_percent": cpu, **figures, **up.memory()}


def measured(chosen: Chosen) -> dict[str, Any]:
    """All rounds."""
    suite = Paired("mixed", chosen)
    jobs, count = (50, 50) if chosen.tiny else (JOBS, CARDS)
    seconds, file = chosen.seconds or (0.3 if chosen.tiny else SECONDS), cards(count)
    with revisions(chosen.before) as all_revisions:
        for _ in suite.rounds():
            with ExitStack() as stack:
                ups = [stack.enter_context(web(revision, 1, jobs)) for revision in all_revisions]
                for part, names in PARTS.items():
                    for up in suite.in_turn(ups):
                        suite.note(up.revision.name, part, lambda u=up, n=names: measure(u, n, file, seconds))  # type: ignore[misc]
    return {**suite.results(), "tool": tool()}


if __name__ == "__main__":
    Chosen.ask(__doc__).run("mixed", measured)
