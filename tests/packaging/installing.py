"""Environments with the built wheel and what it declares, and nothing else; made without a package index."""

from __future__ import annotations

import email
import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import Message
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@dataclass(frozen=True, slots=True)
class Installed:
    """An environment with the wheel.

    Args:
        environment: the virtual environment's folder.
        empty: a folder to be in, and the home of whoever runs it.
    """

    environment: Path
    empty: Path

    def run(self, program: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Runs one of its programs with nothing of the checkout's in reach; `more` are variables of the environment."""
        command = [self.program(program), *arguments]
        return subprocess.run(command, cwd=self.empty, env=self.surroundings | more, capture_output=True, text=True)

    def program(self, name: str) -> str:
        """The path of one of its programs."""
        return str(self.environment / "bin" / name)

    @property
    def surroundings(self) -> dict[str, str]:
        """The variables of an environment in which nothing is set."""
        return {"HOME": str(self.empty), "PATH": "/usr/bin:/bin"}


def build(source: Path, folder: Path, target: str) -> None:
    """Builds into a folder."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)


def install(wheel: Path, folder: Path, *extras: str) -> Installed:
    """Installs the wheel, and links to what it requires from this environment, in the versions that are locked."""
    (folder / "empty").mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
    python = str(folder / "venv" / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index", "--no-deps", str(wheel)]
    subprocess.run(pip, check=True, env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    (packages,) = (folder / "venv").glob("lib/python*/site-packages")
    for name in required(requirements_of(wheel), extras):
        link(name, packages)
    return Installed(folder / "venv", folder / "empty")


def metadata_of(wheel: Path) -> Message:
    """The METADATA file of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(name))


def requirements_of(wheel: Path) -> list[str]:
    """What it declares that it requires."""
    return [str(line) for line in metadata_of(wheel).get_all("Requires-Dist", [])]


def required(lines: Iterable[str], extras: Iterable[str]) -> set[str]:
    """The names of all packages that requirements pull in here, by what each package declares.

    Args:
        lines: the requirements.
        extras: of the package whose requirements they are, those that are wanted.
    """
    names: set[str] = set()
    seen: set[tuple[str, str]] = set()
    todo = [(line, extra) for line in lines for extra in ("", *extras)]
    while todo:
        line, extra = todo.pop()
        requirement = Requirement(line)
        if (line, extra) in seen or (requirement.marker and not requirement.marker.evaluate({"extra": extra})):
            continue
        seen.add((line, extra))
        names.add(canonicalize_name(requirement.name))
        below = distribution(requirement.name).requires or []
        todo += [(text, wanted) for text in below for wanted in ("", *requirement.extras)]
    return names


def link(name: str, folder: Path) -> None:
    """Puts links to all that a package installed into a folder."""
    here = Path(sysconfig.get_path("purelib"))
    files = distribution(name).files or []
    assert files, name
    for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
        if not (folder / top).exists():
            (folder / top).symlink_to(here / top)
