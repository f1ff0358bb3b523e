"""The API while thousands of clients are slow on purpose: `python -m bench.slow --help`.

Two web processes. For each kind of slow client (bench/slow_sockets.py): first nobody, then so many of them
(`--many 2000`) for so long (`--seconds 60`). Meanwhile health (each time on a new connection), a job, and a create are
asked twenty times a second each. Memory is that of the largest web process. A revision named by `--before` is measured
with forty idle sockets, and so is ours, since the threaded web process of old stopped answering then.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from bench.ours import API_KEY
from bench.paired import Paired
from bench.prober import Prober
from bench.revisions import revisions
from bench.rig import ROOT
from bench.slow_sockets import STARTS
from bench.suite import Chosen
from bench.web import NEW, Web, web

SOCKETS = 2000
FEW = 40
SECONDS = 60.0
QUIET_SECONDS = 10.0
CLIENTS = 2
"""Processes that hold the sockets, so that each needs half of them in its limit of files."""
PACE = 20.0
PATIENCE = 5.0
"""Seconds after which an answer counts as failed."""


class Probes:
    """Asks for health, a job and a create at a steady pace while it is entered."""

    def __init__(self, up: Web) -> None:
        job, create = f"/scheduler/jobs/{up.ids[0]}", json.dumps({**NEW, "enabled": False})
        self._probers = {
            "health": Prober(up.port, ["/scheduler/health"], PACE, patience=PATIENCE, fresh=True),
            "job": Prober(up.port, [job], PACE, patience=PATIENCE),
            "create": Prober(up.port, ["/scheduler/jobs"], PACE, method="POST", body=create, patience=PATIENCE),
        }
        self._stack = ExitStack()

    def __enter__(self) -> Probes:
        for prober in self._probers.values():
            self._stack.enter_context(prober)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def figures(self, when: str = "") -> dict[str, float]:
        """Those of each prober, its name after `when`."""
        return {key: value for name, one in self._probers.items() for key, value in one.figures(when + name).items()}


@contextmanager
def slow_clients(kind: str, port: int, count: int, seconds: float) -> Iterator[dict[str, int]]:
    """Has slow clients for so long. Gives what became of them, which is filled in when they end."""
    words = [sys.executable, "-m", "bench.slow_sockets", kind, str(port)]
    shares = [count // CLIENTS + (number < count % CLIENTS) for number in range(CLIENTS)]
    clients = [
        subprocess.Popen([*words, str(share), str(seconds)], cwd=ROOT, stdout=subprocess.PIPE,
                         env={**os.environ, "BENCH_KEY": API_KEY})
        for share in shares
    ]  # fmt: skip
    told: dict[str, int] = {}
    try:
        yield told
        for client in clients:
            for what, number in json.loads(client.communicate(timeout=seconds + 60)[0]).items():
                told[what] = told.get(what, 0) + number
    finally:
        for client in clients:
            client.kill()
            client.wait()


def measure(up: Web, kind: str, count: int, seconds: float) -> dict[str, Any]:
    """One kind: nobody, then the slow clients, then nobody again."""
    quiet = min(QUIET_SECONDS, seconds)
    with Probes(up) as alone:
        time.sleep(quiet)
    before, cpu = up.memory()["pss_mib"], up.place.cpu("web")
    with slow_clients(kind, up.port, count, seconds + quiet + 2) as told:
        time.sleep(quiet)  # until all of them are there
        peak = 0.0
        with Probes(up) as beside:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                time.sleep(min(1.0, seconds / 4))
                peak = max(peak, up.memory()["pss_mib"])
    cpu = 100 * (up.place.cpu("web") - cpu) / (seconds + quiet + 2)
    time.sleep(quiet / 2)
    return {
        "sockets": count, "seconds": seconds, **alone.figures("alone_"), **beside.figures(), "pss_before_mib": before,
        "pss_beside_mib": peak, "pss_after_mib": up.memory()["pss_mib"], "cpu_percent": cpu, "told": told,
    }  # fmt: skip


def measured(chosen: Chosen) -> dict[str, Any]:
    """All rounds; each kind in a new place, so that memory is its own."""
    suite = Paired("slow", chosen)
    many = chosen.many or (20 if chosen.tiny else SOCKETS)
    seconds = chosen.seconds or (1.0 if chosen.tiny else SECONDS)
    with revisions(chosen.before) as all_revisions:
        for _ in suite.rounds():
            for count, kind in [(FEW, "idle"), *((many, kind) for kind in STARTS)]:
                for revision in suite.in_turn(all_revisions if count == FEW else all_revisions[:1]):
                    with web(revision, 2, 20 if chosen.tiny else 1000) as up:
                        part = f"{count:,} × {kind}"
                        suite.note(revision.name, part, lambda u=up, k=kind, c=count: measure(u, k, c, seconds))  # type: ignore[misc]
    return suite.results()


if __name__ == "__main__":
    Chosen.ask(__doc__).run("slow", measured)
