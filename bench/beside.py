"""Ours of another revision, measured as one more contender beside the others, and its ratios.

The other revision's own code stores its jobs and reads its histories, in a process of its own, since it may keep them
in another way. Measured is by today's code alone.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from bench.contenders import BEFORE, OURS, Contender
from bench.revisions import Revision, revisions
from bench.rig import ROOT, Place, own_python

AGENT = ROOT / "bench" / "agent.py"


@contextmanager
def beside(before: str, contenders: Sequence[Contender]) -> Iterator[list[Contender]]:
    """Gives the contenders, and the other revision right behind the first of them.

    Args:
        before: the other revision, as git names it; none if empty.
        contenders: ours first.
    """
    with revisions(before) as (_, *others):
        yield [contenders[0], *map(of_revision, others), *contenders[1:]]


def of_revision(revision: Revision) -> Contender:
    """Makes a contender of a revision, with the same settings as ours."""
    told = subprocess.run(
        [own_python(), "-P", str(AGENT), "names"], cwd=revision.root, env=os.environ | {"PYTHONPATH": revision.path},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    names: dict[str, str] = json.loads(told.stdout)

    def fill(place: Place, *arguments: object) -> None:
        place.run([own_python(), "-P", str(AGENT), *map(str, arguments)])

    return replace(
        OURS[0], name=f"{BEFORE}{revision.name.removeprefix('before ')}", root=revision.root, path=revision.path,
        fill=fill, check=lambda place, count: fill(place, "check", count),
        queued=lambda client, count: int(client.llen(names["queue"])),
        ended=lambda client: int(client.zcard(names["finished"])),
    )  # fmt: skip
