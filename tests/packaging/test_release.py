"""`make release`: what it refuses, and what it leaves in a repository."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from tools.release import Refused, put_heading

ROOT = Path(__file__).parents[2]
NEWS = "# Changelog\n\n## [Unreleased]\n\n- Something new.\n\n## [1.0.0] - 2026-01-01\n\n- The first.\n"
IDENTITY = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_CONFIG_GLOBAL": os.devnull}
ENVIRONMENT = {**os.environ, **IDENTITY, "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org"}


class Repository:
    """A repository with a version, a changelog and one commit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "bot_scheduler").mkdir()
        (folder / "bot_scheduler" / "__init__.py").write_text('"""The package."""\n\n__version__ = "1.0.0"\n')
        (folder / "CHANGELOG.md").write_text(NEWS)
        (folder / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
        self.git("init", "--quiet")
        self.git("add", ".")
        self.git("commit", "--quiet", "--message", "Begin")

    def git(self, *arguments: str) -> str:
        """What a git command prints."""
        return subprocess.run(
            ["git", *arguments], cwd=self.folder, env=ENVIRONMENT, capture_output=True, text=True, check=True
        ).stdout.strip()

    def release(self, *version: str) -> subprocess.CompletedProcess[str]:
        """Runs this checkout's tool in the repository."""
        environment = {**ENVIRONMENT, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-P", "-m", "tools.release", *version]
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """One of a test's own."""
    return Repository(tmp_path)


def test_a_release_is_one_commit_with_a_tag_a_version_and_a_dated_heading(repository: Repository) -> None:
    """And everything else is as it was: nothing uncommitted stays."""
    done = repository.release("1.1.0")
    assert done.returncode == 0, done.stderr
    assert "v1.1.0" in done.stdout and "git push" in done.stdout
    assert repository.git("tag", "--points-at", "HEAD") == "v1.1.0"
    assert repository.git("rev-list", "--count", "HEAD") == "2"
    assert repository.git("status", "--porcelain") == ""
    assert repository.git("diff", "--name-only", "HEAD^").split() == ["CHANGELOG.md", "bot_scheduler/__init__.py"]
    assert (
        repository.folder / "bot_scheduler" / "__init__.py"
    ).read_text() == '"""The package."""\n\n__version__ = "1.1.0"\n'
    assert "\n## [1.1.0] - 20" in (repository.folder / "CHANGELOG.md").read_text()


def test_without_a_version_the_present_one_is_released_once(repository: Repository) -> None:
    """The second time says that it exists, and changes nothing."""
    assert repository.release().returncode == 0
    assert repository.git("tag", "--list") == "v1.0.0"
    head = repository.git("rev-parse", "HEAD")
    again = repository.release()
    assert again.returncode == 1 and "v1.0.0 exists already" in again.stderr
    assert repository.git("rev-parse", "HEAD") == head


@pytest.mark.parametrize("name", ["CHANGELOG.md", "bot_scheduler/stray.py"])
def test_what_is_not_committed_is_not_released(repository: Repository, name: str) -> None:
    """A change, or a new file, which would be in the wheel and not in the tag."""
    with (repository.folder / name).open("a") as file:
        file.write("\n")
    done = repository.release("1.1.0")
    assert done.returncode == 1 and "working tree has changes" in done.stderr
    assert repository.git("tag", "--list") == ""
    assert repository.git("rev-list", "--count", "HEAD") == "1"


def test_an_older_or_malformed_version_is_refused(repository: Repository) -> None:
    """By the build backend; nothing is left half done."""
    for version in ("0.9.0", "newest"):
        assert repository.release(version).returncode == 1
    assert repository.git("status", "--porcelain") == ""
    assert repository.git("tag", "--list") == ""


def test_the_heading_goes_above_what_is_new_and_below_an_empty_section() -> None:
    """What was released before stays as it is."""
    told = put_heading(NEWS, "1.1.0", date(2026, 2, 3))
    assert told == NEWS.replace("## [Unreleased]\n", "## [Unreleased]\n\n## [1.1.0] - 2026-02-03\n")


@pytest.mark.parametrize("changelog", ["# Changelog\n", "## [Unreleased]\n\n## [1.0.0] - 2026-01-01\n\n- The first.\n"])
def test_a_changelog_without_news_is_refused(changelog: str) -> None:
    """Nobody would know what the release is for."""
    with pytest.raises(Refused, match="nothing under"):
        put_heading(changelog, "1.1.0", date(2026, 2, 3))
