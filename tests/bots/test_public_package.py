"""`bot_scheduler`, the package that bots import: it stands alone, and the service takes from it what both have."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import bot_scheduler
import service
from service import errors
from service.bots import protocol

ROOT = Path(__file__).parents[2]
ALONE = """
import importlib, pkgutil, sys

class NoService:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("service", "redis", "rq", "falcon"):
            raise ModuleNotFoundError(f"there is no {name} here", name=name)

sys.meta_path.insert(0, NoService())
import bot_scheduler
for module in pkgutil.walk_packages(bot_scheduler.__path__, "bot_scheduler."):
    importlib.import_module(module.name)
print(bot_scheduler.__version__)
"""


def test_it_is_imported_where_there_is_no_service() -> None:
    """Every module of it."""
    command = [sys.executable, "-c", ALONE]
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60)
    assert told.stdout.strip() == bot_scheduler.__version__


def test_the_version_is_written_once() -> None:
    """The service's is that of the package; pyproject.toml has the same, or asks the package."""
    assert bot_scheduler.__version__ == service.VERSION
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project.get("version", bot_scheduler.__version__) == bot_scheduler.__version__


def test_the_old_names_are_the_new_ones() -> None:
    """For one release: a bot that imports them raises and meets the same classes."""
    for name in protocol.__all__:
        assert getattr(protocol, name) is getattr(bot_scheduler, name)
    assert errors.ServiceError is bot_scheduler.ServiceError


def test_it_says_that_it_is_typed() -> None:
    """So that mypy reads its types where it is installed."""
    assert (Path(bot_scheduler.__file__).parent / "py.typed").is_file()
