"""The web process loads only what it needs: neither rq-scheduler, nor the scheduler, nor the worker."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
BUILD = """
import json, sys
from service.asgi import build
build()
print(json.dumps(sorted(sys.modules)))
"""
FOREIGN = ("rq_scheduler", "service.scheduler", "service.worker", "service.cli", "service.local")
EXPECTED = ("service.usecases.jobs", "service.web.api.app", "service.web.console.mount", "rq_dashboard")
"""Loaded when the application is whole: without them, the test would find nothing because nothing was built."""
MOST_MODULES = 1300
"""Modules of other packages, so that a new import of something large is noticed; there were 1,171 of 1,421 when this
was written."""


def loaded() -> list[str]:
    """Builds the application in a process of its own. Returns the names of all modules that it has loaded."""
    environment = {"API_KEY": "Qm1yQXJlWW91UmVhZGluZ1RoaXM", "PYTHONPATH": str(ROOT), "PATH": ""}
    answer = subprocess.run(
        [sys.executable, "-c", BUILD], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    names: list[str] = json.loads(answer.stdout.splitlines()[-1])
    return names


@pytest.mark.slow(reason="a process imports the whole web application")
def test_the_web_process_loads_no_other_processes_modules() -> None:
    """Built as gunicorn builds it."""
    names = loaded()
    assert set(EXPECTED) <= set(names)
    assert [name for name in names if any(name == one or name.startswith(f"{one}.") for one in FOREIGN)] == []
    others = [name for name in names if name.partition(".")[0] != "service"]
    assert len(others) <= MOST_MODULES, f"the web process loads {len(others)} modules of other packages"


def test_the_command_loads_no_models_before_it_needs_them() -> None:
    """They take longer than all the rest, and most commands only ask the service."""
    found = subprocess.run(
        [sys.executable, "-c", "import json, sys, service.cli.app; print(json.dumps(sorted(sys.modules)))"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    names = json.loads(found.stdout)
    assert "service.cli.commands.jobs" in names and "pydantic" not in names
