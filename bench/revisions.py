"""Another revision of this repository, checked out to be measured beside this one.

Its code runs with this interpreter and its libraries; only `service` and `bot_scheduler` differ.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.rig import ROOT


@dataclass(frozen=True, slots=True)
class Revision:
    """Code to measure.

    Args:
        name: as the tables show it.
        root: the folder of its checkout.
    """

    name: str
    root: Path

    @property
    def path(self) -> str:
        """The PYTHONPATH of its processes: the bots of the measurements, which are of today, and its own packages."""
        return f"{ROOT / 'bench' / 'noop'}:{self.root}"


OURS = Revision("ours", ROOT)


@contextmanager
def revisions(before: str) -> Iterator[list[Revision]]:
    """Gives this checkout, and one of another revision, which is removed afterwards.

    Args:
        before: the other revision, as git names it; none if empty.

    Raises:
        RuntimeError: git knows no such revision.
    """
    if not before:
        yield [OURS]
        return
    commit = _git("rev-parse", "--short", "--verify", f"{before}^{{commit}}")
    with tempfile.TemporaryDirectory(prefix="bench-before-") as folder:
        root = Path(folder) / "checkout"
        _git("worktree", "add", "--detach", str(root), commit)
        try:
            yield [OURS, Revision(f"before ({commit})", root)]
        finally:
            _git("worktree", "remove", "--force", str(root))


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()
