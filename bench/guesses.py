"""Valid requests while somebody guesses keys: `python -m bench.guesses --help`.

Two web processes. A job, a list and a create are asked at a steady pace, with the valid key and from the guessers' own
address: first alone, then beside 20,000 wrong keys in a minute (`--many`, `--seconds`), from one address, from one IPv6
network, from 20,000 networks, and from as many by keys in the form of stored ones. The ratio is of the 99th centiles,
beside to alone. Told as well are the room that the counts take in Redis, the lines in the log, and by how many the
metric differs from the wrong keys that were sent.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import Any

from bench.guessers import KINDS, NETWORK
from bench.ours import API_KEY
from bench.paired import Paired
from bench.prober import Prober
from bench.revisions import revisions
from bench.rig import ROOT
from bench.suite import Chosen
from bench.web import NEW, Web, web

GUESSES = 20_000
SECONDS = 60.0
PACE = 20.0
LINE = "Wrong API keys were refused"


def probed(up: Web, seconds: float, header: dict[str, str]) -> dict[str, float]:
    """Asks with the valid key for so long. Returns the figures of all that was asked."""
    job, create = f"/scheduler/jobs/{up.ids[0]}", json.dumps({**NEW, "enabled": False})
    probers = {
        "job": Prober(up.port, [job], PACE, headers=header),
        "list": Prober(up.port, ["/scheduler/jobs?limit=20"], PACE, headers=header),
        "create": Prober(up.port, ["/scheduler/jobs"], PACE, method="POST", body=create, headers=header),
    }
    with ExitStack() as stack:
        for prober in probers.values():
            stack.enter_context(prober)
        time.sleep(seconds)
    return {key: value for name, prober in probers.items() for key, value in prober.figures(name).items()}


def refused(up: Web) -> int:
    """How many wrong keys the metric counts."""
    text = up.asked("GET", "/metrics", headers={"Authorization": f"Bearer {API_KEY}"})[1].decode()
    return int(float(re.findall(r"\nbot_scheduler_refused_keys_total (\S+)", text)[0]))


def lines(up: Web) -> int:
    """How many lines the log has about wrong keys."""
    return (up.place.folder / "web.log").read_text().count(LINE)


def room(up: Web) -> int:
    """Bytes of Redis that the counts take."""
    return sum(int(up.place.client.memory_usage(name) or 0) for name in up.place.client.scan_iter("*:guesses:*"))


def measure(up: Web, kind: str, count: int, seconds: float) -> dict[str, Any]:
    """One kind: alone, then beside the guessers."""
    header = {"X-Forwarded-For": f"{NETWORK}::1"} if kind == "network" else {}
    alone = probed(up, seconds / 2, header)
    counted, told, cpu = refused(up), lines(up), up.place.cpu("web")
    words = [sys.executable, "-m", "bench.guessers", kind, str(up.port), str(count), str(seconds)]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE) as guessers:
        beside = probed(up, seconds, header)
        answered = json.loads(guessers.communicate(timeout=seconds + 60)[0])
    time.sleep(3)  # until the last ones are reported
    ratios = {f"{name}_ratio": beside[f"{name}_p99_ms"] / alone[f"{name}_p99_ms"] for name in ("job", "list", "create")}
    return {
        **ratios, **{f"alone_{name}": value for name, value in alone.items()}, **beside,
        "cpu_percent": 100 * (up.place.cpu("web") - cpu) / seconds, "redis_bytes": room(up), "lines": lines(up) - told,
        "answered": answered, "miscounted": refused(up) - counted - answered.get("401", 0),
    }  # fmt: skip


def measured(chosen: Chosen) -> dict[str, Any]:
    """All rounds; each kind in a new place, so that the room in Redis is its own."""
    suite = Paired("guesses", chosen)
    count, seconds = (
        chosen.many or (40 if chosen.tiny else GUESSES),
        chosen.seconds or (1.0 if chosen.tiny else SECONDS),
    )
    with revisions("") as (ours,):
        for _ in suite.rounds():
            for kind in suite.in_turn(list(KINDS)):
                with web(ours, 2, 20 if chosen.tiny else 1000, TRUSTED_PROXIES="127.0.0.1") as up:
                    suite.note(ours.name, kind, lambda u=up, k=kind: measure(u, k, count, seconds))  # type: ignore[misc]
    return suite.results()


if __name__ == "__main__":
    Chosen.ask(__doc__).run("guesses", measured)
