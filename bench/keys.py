"""Cost of a request with a stored key, beside the root key: `python -m bench.keys --rounds 7`.

One web process answers `GET /jobs/{id}` of a thousand jobs over 16 connections. In each round, both keys and a session
are measured one right after the other, in another order each time; a ratio is of two neighbours of one round. It prints
the CPU of the web process for each request, and writes nothing.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from bench import ours
from bench.api import measure
from bench.load import Ask, ask
from bench.paired import Paired
from bench.revisions import OURS
from bench.suite import Chosen
from bench.web import Web, web

JOBS = 1000
SECONDS = 4
ROOT, STORED, BEARER, SESSION = "root key", "stored key", "stored key, bearer", "session"
PART = "GET /jobs/{id}"


def proofs(up: Web) -> Mapping[str, Mapping[str, str]]:
    """Who asks, and the headers of its requests; an empty one is not sent."""
    key = up.told("POST", "/scheduler/keys", {"name": "of the bench", "scopes": ["read"]})["key"]
    own_page = {"X-API-Key": "", "Cookie": up.session(), "Origin": f"http://127.0.0.1:{up.port}"}
    return {
        ROOT: {"X-API-Key": ours.API_KEY},
        STORED: {"X-API-Key": key},
        BEARER: {"X-API-Key": "", "Authorization": f"Bearer {key}"},
        SESSION: own_page,
    }


def measured(chosen: Chosen) -> dict[str, Any]:
    """All rounds."""
    suite = Paired("keys", chosen)
    jobs, seconds = (20, 0.3) if chosen.tiny else (JOBS, chosen.seconds or SECONDS)
    with web(OURS, 1, jobs) as up:
        paths = [f"/scheduler/jobs/{job_id}" for job_id in up.ids]
        asks = {who: Ask(paths, headers=headers) for who, headers in proofs(up).items()}
        for what in asks.values():
            warm = ask(up.port, what, 1 if not chosen.tiny else 0.2, up.place.folder)
            if warm["refused"]:
                raise RuntimeError("A key of the bench is refused")
        for _ in suite.rounds():
            for who in suite.in_turn(list(asks)):
                suite.note(who, PART, lambda what=asks[who]: measure(up, what, seconds))  # type: ignore[misc]
    return suite.results()


def ratios(results: Mapping[str, Mapping[str, Any]], figure: str) -> list[str]:
    """How many times the root key's figure each other has, round by round."""
    root = [one[figure] for one in results[ROOT][PART]]
    told = []
    for who, parts in results.items():
        found = [one[figure] / other for one, other in zip(parts[PART], root, strict=True)]
        told.append(f"{figure}, {who}: × {statistics.median(found):.3f} ({min(found):.3f}–{max(found):.3f})")
    return told


def main() -> None:
    """Measures, and prints the ratios."""
    results = measured(Chosen.ask(__doc__))["results"]
    print(*ratios(results, "cpu_ms"), *ratios(results, "redis_cpu_ms"), *ratios(results, "rate"), sep="\n")


if __name__ == "__main__":
    main()
