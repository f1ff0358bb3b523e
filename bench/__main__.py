"""All suites in turn, then the tables and plots: `python -m bench`. `make bench` and `make bench-full` are this.

A suite that is named is measured alone; its results replace its old ones, and everything is rendered anew from what is
stored. What was stopped half-way goes on with `--resume`, which leaves out the suites measured in the last six hours.
"""

from __future__ import annotations

import importlib
import sys

from bench.install import install
from bench.report import render
from bench.suite import Chosen

SUITES = ("lateness", "stampede", "scripts", "workers", "api", "scale")
LONG = ("stampede_full",)
"""Measured by `--full` alone."""
WEB = ("api", "slow", "followers", "mixed", "guesses")
"""Measured of our own web process alone: no peer is needed. All but the first only if named."""


def main() -> None:
    """Measures what is named, or everything."""
    arguments = sys.argv[1:]
    named = [argument for argument in arguments if argument in (*SUITES, *LONG, *WEB, "soak", "render")]
    if not named or not set(named) <= {*WEB, "soak", "render"}:
        install()
    chosen = Chosen.ask(__doc__, [argument for argument in arguments if argument not in named])
    for name in named or (SUITES + LONG if chosen.full else SUITES):
        if name != "render" and not (chosen.resume and chosen.is_done(name)):
            chosen.run(name, importlib.import_module(f"bench.{name}").measured)
    render()


if __name__ == "__main__":
    main()
