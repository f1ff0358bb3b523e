"""Checks that every locked package comes as a wheel on each platform: `python -m tools.wheels_check`.

Without a wheel, pip compiles a package where it is installed, with a compiler that may be missing and build tools
that no hash holds. Asks the package index for each platform and Python; downloads next to nothing.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements-dev.txt"
"""All that is locked: the package, its extra `local`, and what developing takes."""
PYTHONS = ("3.11", "3.13")
"""The Python that the lock is made for, and Debian 13's."""
GLIBCS = range(5, 37)
"""Minor versions of glibc 2 that a wheel may be built for, up to Debian 12's."""
PLATFORMS = {
    "Linux x86-64": [*(f"manylinux_2_{glibc}_x86_64" for glibc in GLIBCS), "manylinux2014_x86_64"],
    "Linux aarch64": [*(f"manylinux_2_{glibc}_aarch64" for glibc in GLIBCS), "manylinux2014_aarch64"],
    "macOS arm64": ["macosx_14_0_arm64"],
}
"""pip's tags of each; for macOS it adds those of older releases itself."""
WITHOUT_WHEELS = {
    "crontab": "rq-scheduler requires it, and it has never had one; pure Python, so pip builds it anywhere",
}
"""Packages that may come as source alone, and why."""


def main() -> int:
    """Check all platforms, and print a line for each.

    Returns:
        The exit status: 0 if exactly the packages of `WITHOUT_WHEELS` lack wheels.
    """
    hashes = _read_lock(LOCK)
    wrong = 0
    for platform, tags in PLATFORMS.items():
        for python in PYTHONS:
            missing, foreign = _look(hashes, tags, python)
            unexpected = sorted(missing ^ WITHOUT_WHEELS.keys() | foreign)
            wrong += bool(unexpected)
            verdict = f"WRONG: {', '.join(unexpected)}" if unexpected else "ok"
            source = f", {', '.join(sorted(missing))} as source" if missing else ""
            print(f"{platform}, Python {python}: {len(hashes) - len(missing)} wheels{source}: {verdict}", flush=True)
    return int(wrong > 0)


def _read_lock(path: Path) -> dict[str, set[str]]:
    """Return the hashes of each pin (`name==version`) of a lock file."""
    pins: dict[str, set[str]] = {}
    for line in path.read_text().splitlines():
        if pin := re.match(r"([\w.-]+)(?:\[.*?\])?(==\S+)", line):
            hashes = pins[pin[1] + pin[2]] = set()
        elif found := re.search(r"--hash=sha256:(\w+)", line):
            hashes.add(found[1])
    return pins


def _look(hashes: dict[str, set[str]], tags: list[str], python: str) -> tuple[set[str], set[str]]:
    """Return the names without a wheel for a platform, and those whose wheel is not in the lock."""
    missing: set[str] = set()
    while True:
        wanted = [pin for pin in hashes if pin.partition("==")[0] not in missing]
        answer = _ask(wanted, tags, python)
        if isinstance(answer, str):
            missing.add(answer)
            continue
        return missing, {pin.partition("==")[0] for pin, digest in answer.items() if digest not in hashes[pin]}


def _ask(pins: list[str], tags: list[str], python: str) -> dict[str, str] | str:
    """Return the digest of each pin's wheel that pip would install; or the first name without a wheel.

    `pip install --dry-run` rather than `pip download`: it asks the index the same and fetches no files.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--no-deps", "--only-binary=:all:"]
        command += ["--target", folder, "--report", str(report), "--implementation", "cp", "--python-version", python]
        command += [argument for tag in tags for argument in ("--platform", tag)]
        done = subprocess.run([*command, *pins], capture_output=True, text=True)
        if none := re.search(r"No matching distribution found for ([\w.-]+?)==", done.stderr):
            return none[1]
        if done.returncode:
            raise SystemExit(done.stderr)
        installs = json.loads(report.read_text())["install"]
    digests = [(item["metadata"], item["download_info"]["archive_info"]["hashes"]["sha256"]) for item in installs]
    known = {_plain(pin): pin for pin in pins}
    return {known[_plain(f"{metadata['name']}=={metadata['version']}")]: digest for metadata, digest in digests}


def _plain(name: str) -> str:
    """Return a name in the form that PEP 503 compares."""
    return re.sub(r"[-_.]+", "-", name.partition("==")[0]).lower()


if __name__ == "__main__":
    sys.exit(main())
