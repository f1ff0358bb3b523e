"""The generators of clients, pinned by lock files, as `make generators` installs them; and their makers of clients."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AREA = ROOT / "var" / "generators"
HERE = Path(__file__).parent
REQUIRED = "GENERATORS_REQUIRED"
"""Where this setting is `1`, a machine without the generators fails the tests that need them."""
PYTHON = AREA / "python" / "bin" / "python"
PYTHON_GENERATOR = AREA / "python" / "bin" / "openapi-python-client"
NODE_MODULES = AREA / "typescript" / "node_modules"


def need(path: Path) -> None:
    """Skips the test where a generator is missing, and says why; fails where it must be there."""
    if path.exists():
        return
    missing = f"{path.relative_to(ROOT)} is missing: run `make generators`, which needs Node.js and the registries"
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(missing)
    pytest.skip(missing)


def run(*command: str | Path, cwd: Path, **variables: str) -> str:
    """Runs a program to its good end. Returns what it printed; what it complained of is in the failure."""
    environment = {**os.environ, **variables}
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def python_client(document: Path, folder: Path) -> str:
    """Makes a Python client of a document: the package `bot_scheduler_client`. Returns what the generator said.

    No ruff is in reach: the generator would let it rewrite the client, and a recent one breaks the template's types.
    """
    return run(
        PYTHON_GENERATOR, "generate", "--path", document, "--meta", "none", "--output-path",
        folder / "bot_scheduler_client", cwd=folder, PATH="/usr/bin:/bin",
    )  # fmt: skip


def check_python(*parts: Path | str, cwd: Path) -> str:
    """Checks types as strictly as mypy can."""
    return run(sys.executable, "-m", "mypy", "--strict", "--config-file=", *parts, cwd=cwd)


def typescript_client(document: Path, folder: Path) -> None:
    """Makes `schema.ts` of a document, beside what it needs to be compiled and run."""
    (folder / "node_modules").symlink_to(NODE_MODULES)
    generator = NODE_MODULES / ".bin" / "openapi-typescript"
    run(generator, document, "--default-non-nullable=false", "-o", folder / "schema.ts", cwd=folder)


def compile_typescript(folder: Path) -> None:
    """Compiles all that is in a folder, as strictly as tsc can."""
    run(NODE_MODULES / ".bin" / "tsc", "--project", folder, cwd=folder)
