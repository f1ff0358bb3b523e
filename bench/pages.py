"""Times and bytes of the console's pages at the size of real use: `python -m bench.pages [--minutes M] [--rounds N]`.

It makes the installation of `make demo-large`, starts our processes, and asks each page in turn. A page's time is that
from the request to the end of the answer, on an open connection, as a neighbour on this machine sees it; its bytes are
those of the compressed body, with the headers. Where there is a Chromium, it shows each page, too, and then leaves the
overview open for M minutes and counts all that it is sent.
"""

from __future__ import annotations

import argparse
import http.client
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bench import ours
from bench.revisions import OURS
from bench.rig import Place
from bench.store import centile
from bench.web import Web, is_healthy
from tests.support.chromium import chromium, find_chromium
from tools.demo.filling import Size, fill

PAGES = (
    "/", "/jobs", "/jobs?page=100", "/jobs?sort=name", "/jobs?sort=next_run", "/jobs?sort=last_failure",
    "/jobs?state=troubled&sort=last_failure", "/jobs?q=hourly&sort=name", "/jobs?label=team%3Acrm", "/jobs/{job}",
    "/jobs/{job}/runs/{run}", "/jobs/{job}/occurrences", "/jobs/{job}/edit", "/jobs/new", "/coming",
    "/coming?since={day}", "/runs", "/runs?status=failed", "/contacts", "/contacts?page=400",
    "/contacts?q=nov%C3%A1k", "/clock-changes", "/pauses", "/calendars", "/alerts", "/access", "/access/audit",
)  # fmt: skip
LISTS = (
    "/scheduler/jobs?limit=50", "/scheduler/jobs?limit=50&sort=next_run", "/scheduler/jobs?limit=50&sort=last_failure",
    "/scheduler/jobs?limit=50&sort=name&q=hourly", "/scheduler/runs?limit=50", "/scheduler/contacts?limit=50",
)  # fmt: skip


PAINTED = """() => new Promise((done) => new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (one.name === "first-contentful-paint") done(one.startTime);
}).observe({ type: "paint", buffered: true }))"""
"""The first paint of a page, ms after the request for it; the page's policy forbids Playwright's own waiting."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One page.

    Args:
        first_ms: of the first request since the processes started.
        times_ms: of the others.
        size: of the answer without compression, bytes.
        sent: of the answer as it was sent, bytes.
    """

    first_ms: float
    times_ms: Sequence[float]
    size: int
    sent: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints a line for each page.

    Args:
        arguments: of the command line; None for those of this process.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30, help="requests of each page (30)")
    parser.add_argument(
        "--minutes", type=float, default=10, help="for which the overview stays open (10); 0: no browser"
    )
    parser.add_argument("--jobs", type=int, default=5_000)
    parser.add_argument("--runs", type=int, default=200_000)
    parser.add_argument("--contacts", type=int, default=20_000)
    chosen = parser.parse_args(arguments)
    with Place({**ours.environment(), "PYTHONPATH": OURS.path}) as place:
        begun = time.monotonic()
        fill(place.client, Size(chosen.jobs, chosen.runs, chosen.contacts), say=lambda what: print(what, flush=True))
        print(f"made in {time.monotonic() - begun:.0f} s\n", flush=True)
        for name, command in (("scheduler", ours.SCHEDULER), ("worker", ours.WORKER), ("web", ours.WEB)):
            place.start(name, command)
        up = Web(OURS, place, int(place.environment["PORT"]), [])
        place.until(lambda: is_healthy(up), 60, 0.1)
        measure(up, chosen.rounds, chosen.minutes)


def measure(up: Web, rounds: int, minutes: float) -> None:
    """Asks all pages, and shows them."""
    job, run = _newest(up)
    day = datetime.now(UTC).date() + timedelta(days=2)  # most jobs are due before
    pages = {page.format(job=job, run=run, day=day): page for page in PAGES}
    session = up.session()
    print(f"{'page':45} {'first':>8} {'median':>8} {'p95':>8} {'size':>9} {'sent':>8}")
    for page in (*pages, *LISTS):
        its = asked(up, page, session, rounds)
        median, high = statistics.median(its.times_ms), centile(list(its.times_ms), 0.95)
        print(
            f"{pages.get(page, page):45} {its.first_ms:8.1f} {median:8.1f} {high:8.1f} {its.size:9,} {its.sent:8,}",
            flush=True,
        )
    print("memory of the largest web process, MiB:", round(up.memory()["pss_mib"]))
    if minutes and (path := find_chromium()) is not None:
        look(up, path, pages, minutes)


def _newest(up: Web) -> tuple[str, str]:
    """A job with many runs, and one of them."""
    run = up.told("GET", "/scheduler/runs?limit=1")[0]
    return run["job_id"], run["id"]


def asked(up: Web, path: str, session: str, rounds: int) -> Figures:
    """Asks a page so often, on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", up.port, timeout=60)
    proof = {"X-API-Key": ours.API_KEY} if path.startswith("/scheduler") else {"Cookie": session, "Accept": "text/html"}
    headers = {**proof, "Accept-Encoding": "br"}
    times: list[float] = []
    sent = size = 0
    for turn in range(rounds + 1):
        is_plain = turn == rounds  # the last one, for its size
        begun = time.perf_counter()
        connection.request("GET", path, headers=headers | ({"Accept-Encoding": "identity"} if is_plain else {}))
        answer = connection.getresponse()
        body = answer.read()
        took = (time.perf_counter() - begun) * 1000
        if answer.status != 200:
            raise RuntimeError(f"{path} was answered {answer.status}: {body[:300]!r}")
        if is_plain:
            size = len(body)
        else:
            times.append(took)
            sent = len(body) + sum(len(name) + len(value) + 4 for name, value in answer.getheaders())
    connection.close()
    return Figures(times[0], times[1:], size, sent)


def look(up: Web, path: str, pages: Mapping[str, str], minutes: float) -> None:
    """Shows the pages in a Chromium, and leaves the overview open."""
    home = f"http://127.0.0.1:{up.port}"
    with chromium(path) as browser:
        context = browser.new_context(base_url=home, viewport={"width": 1280, "height": 900})
        sent = context.request.post("/sign-in", form={"key": ours.API_KEY}, headers={"Origin": home})
        assert sent.ok, sent.text()
        page = context.new_page()
        page.goto("/jobs")  # the browser has the assets from now on
        print(f"\n{'page':45} {'first paint':>12}")
        for address, shown in pages.items():
            found = [_painted(page, address) for _ in range(5)]
            print(f"{shown:45} {statistics.median(found):9.0f} ms (up to {max(found):.0f})", flush=True)
        counted = _received(context, page, minutes)
        each = ", ".join(f"{kind} {count:,} B" for kind, count in counted.items())
        hourly = sum(counted.values()) / minutes * 60
        print(f"\nthe overview, open for {minutes:g} minutes: {each}; an hour: {hourly:,.0f} B")


def _painted(page: Any, address: str) -> float:
    page.goto(address, wait_until="load")
    return float(page.evaluate(PAINTED))


def _received(context: Any, page: Any, minutes: float) -> dict[str, int]:
    """Counts the bytes that the open overview is sent: by the kind of answer, headers included."""
    session, counted, kinds = context.new_cdp_session(page), dict[str, int](), dict[str, str]()
    page.goto("/", wait_until="load")
    session.send("Network.enable")

    def note(said: Any) -> None:
        kinds[said["requestId"]] = str(said["response"]["status"])

    def count(said: Any) -> None:
        kind = kinds.get(said["requestId"], "other")
        counted[kind] = counted.get(kind, 0) + int(said["encodedDataLength"])

    session.on("Network.responseReceived", note)
    session.on("Network.loadingFinished", count)
    page.wait_for_timeout(minutes * 60_000)
    return counted


if __name__ == "__main__":
    main()
