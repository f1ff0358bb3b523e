"""Makes a release of what is committed: `python -m tools.release [VERSION]`, in the checkout's root.

Writes the version (if one is named) and the changelog's heading, commits both, and tags the commit. It publishes
nothing: pushing is the last step and yours. `make release` then builds the files of that tag.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

CHANGELOG = Path("CHANGELOG.md")
UNRELEASED = "## [Unreleased]\n"


class Refused(Exception):
    """Why there can be no release now, in one sentence."""


def main(arguments: list[str]) -> int:
    """Make the release.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m tools.release", description=__doc__.splitlines()[0])
    parser.add_argument("version", nargs="?", metavar="VERSION", help="the new version; unless named, the present one")
    try:
        tag = release(parser.parse_args(arguments).version, datetime.now(UTC).date())
    except Refused as refused:
        print(f"Not released: {refused}", file=sys.stderr)
        return 1
    print(f"Released as {tag}. To publish it: git push --follow-tags")
    return 0


def release(version: str | None, today: date) -> str:
    """Commit and tag a release.

    Args:
        version: the new version; None: the one that the package has.
        today: the date for the changelog.

    Returns:
        The tag.

    Raises:
        Refused: something is not committed, or the version was released already, or the changelog has nothing new.
    """
    if _run("git", "status", "--porcelain"):
        raise Refused("the working tree has changes; commit or remove them first")
    version = version or _hatch()
    tag = f"v{version}"
    if _run("git", "tag", "--list", tag):
        raise Refused(f"{tag} exists already; name the next version: make release VERSION=...")
    changelog = put_heading(CHANGELOG.read_text(), version, today)
    if version != _hatch():
        _hatch(version)
    CHANGELOG.write_text(changelog)
    _run("git", "commit", "--quiet", "--all", "--message", f"Release {version}")
    _run("git", "tag", "--annotate", tag, "--message", f"Bot Scheduler {version}")
    return tag


def put_heading(changelog: str, version: str, today: date) -> str:
    """Return the changelog with its unreleased changes under a version, below a new and empty section.

    Raises:
        Refused: it has no unreleased changes.
    """
    _, heading, rest = changelog.partition(UNRELEASED)
    if not re.split(r"^## ", rest, maxsplit=1, flags=re.MULTILINE)[0].strip():
        raise Refused(f"{CHANGELOG} has nothing under {UNRELEASED.strip()}")
    return changelog.replace(heading, f"{UNRELEASED}\n## [{version}] - {today}\n", 1)


def _hatch(*version: str) -> str:
    """Return the version of the package; with an argument, set it."""
    return _run(sys.executable, "-m", "hatchling", "version", *version)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Refused((done.stderr or done.stdout).strip())
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
