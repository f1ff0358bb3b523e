"""Clients that the common generators make of the OpenAPI document compile strictly, and work with the running service.

The programs that use them are `programs/use_client.py` and `typescript/use.ts`; docs/api.md shows the same commands.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.web.api.openapi.presentation.curl import curl
from tests.clients import generators
from tests.support.installation import API_KEY, Installation
from tests.support.processes import until
from tests.support.servers.valkey import ValkeyServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="clients are generated and compiled"),
]

HERE = Path(__file__).parent
SEEN = {
    "limit": 50, "preview": 3, "fields": ["schedule_config.hour"], "run": "queued", "explained": True,
    "refused": ["schedule_config.hour"], "gone": 404,
}  # fmt: skip
"""What both programs see."""


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A web process on a server of its own."""
    folder = tmp_path_factory.mktemp("clients")
    with ValkeyServer(folder, "--appendonly", "no") as server, Installation(folder, server).start("web") as web:
        until(lambda: _answers(web), 30, lambda: web.log("web"))
        yield web


def _answers(web: Installation) -> bool:
    try:
        return bool(web.call("GET", "/jobs")[0])
    except OSError:
        return False


def url(web: Installation) -> str:
    """Where it is."""
    return f"http://127.0.0.1:{web.port}"


@pytest.fixture(scope="module")
def document(web: Installation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The document, as the service has it."""
    path = tmp_path_factory.mktemp("document") / "openapi.json"
    with urllib.request.urlopen(f"{url(web)}/openapi.json") as answer:
        path.write_bytes(answer.read())
    return path


def test_a_python_client_is_typed_and_works(web: Installation, document: Path, tmp_path: Path) -> None:
    """Of every operation; mypy is strict with the client, and with the program that uses it."""
    generators.need(generators.PYTHON_GENERATOR)
    said = generators.python_client(document, tmp_path)
    assert "Unable to process" not in said, said
    made = {path.stem for path in (tmp_path / "bot_scheduler_client" / "api").rglob("*.py")} - {"__init__"}
    assert made == {operation["operationId"] for _, _, operation in operations(document)}
    shutil.copy(HERE / "programs" / "use_client.py", tmp_path)
    generators.check_python("use_client.py", "bot_scheduler_client", cwd=tmp_path)
    seen = generators.run(generators.PYTHON, "use_client.py", url(web), API_KEY, cwd=tmp_path)
    assert json.loads(seen) == {"name": "From Python", "found": ["From Python"], **SEEN}


def test_a_typescript_client_is_typed_and_works(web: Installation, document: Path, tmp_path: Path) -> None:
    """tsc is strict with the types, and with the program that uses them."""
    generators.need(generators.NODE_MODULES)
    generators.typescript_client(document, tmp_path)
    assert "Record<string, never>" not in without_paths((tmp_path / "schema.ts").read_text())
    for name in ("use.ts", "tsconfig.json", "package.json"):
        shutil.copy(HERE / "typescript" / name, tmp_path)
    generators.compile_typescript(tmp_path)
    seen = generators.run("node", "built/use.js", url(web), API_KEY, cwd=tmp_path)
    assert json.loads(seen) == {"name": "From TypeScript", "found": ["From TypeScript"], **SEEN}


def without_paths(types: str) -> str:
    """The types of schemas: the generator writes such a record for parts of the document that are empty."""
    return types.partition("export interface components")[2].partition("    responses: never")[0]


def operations(document: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of each operation."""
    for path, methods in json.loads(document.read_text())["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def test_commands_run_in_a_shell_as_they_stand(web: Installation, document: Path) -> None:
    """Those of `/docs` that name nothing which has to be there."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    commands = [
        curl(method, path, operation)
        for method, path, operation in operations(document)
        if (method, path) == ("POST", "/scheduler/jobs") or (method == "GET" and "{" not in path)
    ]
    assert len(commands) > 20
    # Only a scheduler makes it healthy, and none runs here.
    lines = [command.replace("curl ", "curl -fsS -o /dev/null ", 1) for command in commands if "/health" not in command]
    done = subprocess.run(
        ["sh", "-ec", "\n".join(lines)],
        env={"PATH": "/usr/bin:/bin", "URL": url(web), "API_KEY": API_KEY},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_the_page_about_the_api_shows_these_commands() -> None:
    """Its reader runs what is tested."""
    page = (HERE.parents[1] / "docs" / "api.md").read_text()
    assert "openapi-python-client generate --path openapi.json --meta none --output-path bot_scheduler_client" in page
    assert "openapi-typescript openapi.json --default-non-nullable=false -o schema.ts" in page
