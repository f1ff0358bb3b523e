"""The lock files: whole on every system that they are for, and tied to no index."""

from __future__ import annotations

import json
import re
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.txt", "requirements-dev.txt")
PYTHONS = ("3.11.0", "3.11.2", "3.11.7", "3.12.0", "3.13.5")
"""3.11.2 is Debian 12's and 3.13.5 Debian 13's."""
SYSTEMS = [("Linux", "linux", "x86_64"), ("Linux", "linux", "aarch64"), ("Darwin", "darwin", "arm64")]


def pins(name: str) -> dict[str, str]:
    """The version of each package of a lock file."""
    found = re.findall(r"^([\w.-]+)(?:\[.*?\])?==(\S+) \\$", (ROOT / name).read_text(), re.MULTILINE)
    return dict(found)


def environment(python: str, system: tuple[str, str, str]) -> dict[str, str]:
    """What markers of requirements are judged by."""
    there = dict(zip(("platform_system", "sys_platform", "platform_machine"), system, strict=True))
    short = ".".join(python.split(".")[:2])
    return {**there, "python_full_version": python, "python_version": short, "extra": ""}


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("python", PYTHONS)
def test_no_system_needs_what_is_not_locked(lock: str, python: str) -> None:
    """pip refuses the whole file if a package requires one that has no hash in it, though only on some systems."""
    locked = pins(lock)
    assert len(locked) > 50
    for system in SYSTEMS:
        there = environment(python, system)
        for name in locked:
            for line in distribution(name).requires or []:
                needed = Requirement(line)
                if needed.marker is None or needed.marker.evaluate(there):
                    assert canonicalize_name(needed.name) in locked, f"{name} on {python}, {system}: {line}"


def test_what_developing_takes_is_what_is_deployed_and_more() -> None:
    """In the same versions, so that the tests try what runs."""
    deployed, developing = (pins(name) for name in LOCKS)
    assert deployed.items() <= developing.items()


@pytest.mark.parametrize("lock", [*LOCKS, "tests/clients/requirements.txt"])
def test_a_lock_names_no_index(lock: str) -> None:
    """The index is the business of whoever installs; the hashes say that the files are the same."""
    text = (ROOT / lock).read_text()
    assert "://" not in text and not re.search(r"^--", text, re.MULTILINE)
    assert text.count("--hash=sha256:") > len(pins(lock))


def test_the_lock_of_the_packages_for_node_names_no_registry() -> None:
    """Likewise: each package has its hash, and no address."""
    text = (ROOT / "tests" / "clients" / "typescript" / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    assert '"resolved"' not in text
    assert all("integrity" in package for name, package in packages.items() if name)
