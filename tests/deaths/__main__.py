"""`python -m tests.deaths`: kill each part of an installation, and measure who is told what, after how many seconds.

It prints the table of docs/guarantees.md. With all settings at their defaults it takes about a quarter of an hour.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.deaths.deaths import DEATHS, Outcome

HEAD = (
    "| what dies | the alert | by HTTP after | by mail after | `/fail` after | its end is told after | times | |\n"
    "|---|---|---|---|---|---|---|---|"
)


def main() -> int:
    """Run the deaths that were asked for, some at a time. Returns 1 if one was not told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("deaths", nargs="*", default=list(DEATHS), metavar="DEATH", help=", ".join(DEATHS))
    parser.add_argument("--at-once", type=int, default=3)
    given = parser.parse_args()
    failed = 0
    with ThreadPoolExecutor(given.at_once) as pool:
        results = [pool.submit(_run, name) for name in given.deaths]
        rows = []
        for name, result in zip(given.deaths, results, strict=True):
            try:
                rows.append(result.result().row())
            except AssertionError as error:
                failed = 1
                print(f"{name}: {error}", file=sys.stderr)
    print("\n".join([HEAD, *rows]))
    return failed


def _run(name: str) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        return DEATHS[name](Path(folder))


if __name__ == "__main__":
    sys.exit(main())
