"""What is deployed agrees with the Procfile and the settings, on every platform that docs/deploy.md tells of."""

from __future__ import annotations

import configparser
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values

from service.environment import COLLECTOR
from service.secrecy.secret_values import COLLECTOR_HEADERS
from service.settings import Settings
from service.shutdown import GONE_SECONDS

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "deploy" / "systemd"
LONGEST_STOP_SECONDS = GONE_SECONDS
"""All processes are gone within this, so no platform may kill sooner."""
ELSEWHERE = {"BIND_HOST", "BOT_SCHEDULER_URL", "PYTHONUNBUFFERED", "PATH", "NO_COLOR", "VISUAL", "EDITOR"}
"""Variables that others read: gunicorn's configuration, the command line, Python."""
TRACES = {COLLECTOR, *COLLECTOR_HEADERS}
"""Variables of OpenTelemetry's SDK."""
KNOWN = {name.upper() for name in Settings.model_fields} | ELSEWHERE | TRACES


def procfile() -> dict[str, list[str]]:
    """The commands of the three processes."""
    lines = (ROOT / "Procfile").read_text().splitlines()
    return {name: shlex.split(command) for name, command in (line.split(": ", 1) for line in lines)}


def compose() -> dict[str, Any]:
    """compose.yaml."""
    return dict(yaml.safe_load((ROOT / "compose.yaml").read_text()))


def unit(path: Path) -> configparser.ConfigParser:
    """A systemd unit; no option of ours comes twice in a section, but for Environment."""
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(path.read_text())
    return parser


def dockerfile() -> list[tuple[str, str]]:
    """The Dockerfile's instructions."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines if line)]


def test_heroku_starts_the_procfiles_processes_with_settings_that_hold() -> None:
    """A key that is made, a Redis, one dyno of each process; every value is one that the settings take."""
    app = json.loads((ROOT / "app.json").read_text())
    assert app["formation"].keys() == procfile().keys()
    assert all(size["quantity"] == 1 for size in app["formation"].values())
    assert any("redis" in addon["plan"] for addon in app["addons"])
    assert app["env"]["API_KEY"]["generator"] == "secret"
    assert app["env"].keys() <= KNOWN
    given = {name.lower(): item["value"] for name, item in app["env"].items() if "value" in item}
    assert Settings(**given).redis_tls_verify == "none"


def test_compose_runs_the_procfiles_commands_from_one_image() -> None:
    """Two schedulers, a Redis that keeps and evicts nothing, and time enough to stop."""
    services = compose()["services"]
    for name, command in procfile().items():
        assert services[name]["command"] == command
        assert services[name]["image"] == "bot-scheduler" and services[name]["init"] is True
        assert services[name]["restart"] == "unless-stopped"
        assert int(services[name]["stop_grace_period"].removesuffix("s")) > LONGEST_STOP_SECONDS
        assert services[name]["environment"].keys() <= KNOWN
    assert services["scheduler"]["deploy"]["replicas"] == 2
    valkey = " ".join(services["valkey"]["command"])
    assert "--appendonly yes" in valkey and "--maxmemory-policy noeviction" in valkey
    assert services["valkey"]["volumes"] == ["valkey:/data"] and "valkey" in compose()["volumes"]


def test_compose_shows_the_api_to_this_machine_alone() -> None:
    """What it publishes is on 127.0.0.1: it speaks no TLS. The store is published nowhere."""
    published = {name: service.get("ports", []) for name, service in compose()["services"].items()}
    assert published.pop("web") == ["127.0.0.1:${PORT:-8000}:8000"]
    assert not any(published.values())


def test_the_image_starts_web_as_nobody_special_and_in_exec_form() -> None:
    """So that SIGTERM reaches the process itself; the health check is the command line's."""
    instructions = dockerfile()
    last = dict(instructions)
    assert json.loads(last["CMD"]) == procfile()["web"]
    assert last["USER"].isdecimal() and int(last["USER"]) > 0
    assert json.loads(last["HEALTHCHECK"].partition("CMD ")[2]) == ["bot-scheduler", "health"]
    assert "ENTRYPOINT" not in last
    assert {rest.split()[0] for word, rest in instructions if word == "FROM"} == {"debian:trixie-slim"}


def test_the_image_holds_all_that_the_processes_import_and_no_secret(tmp_path: Path) -> None:
    """What .dockerignore lets through is enough to load every process, and .env is not in it."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    assert patterns[0] == "*"
    allowed = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    assert set(allowed) == {
        "requirements.txt",
        "bot_scheduler",
        "service",
        "bot-scheduler",
        "scheduler.py",
        "worker.py",
        "README.md",
        "docs/*.md",
    }
    for source in (path for name in allowed for path in ROOT.glob(name)):
        target = tmp_path / source.relative_to(ROOT)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(exist_ok=True)
            shutil.copy(source, target)
    loads = "import service.asgi, service.cli.app, service.worker.runner, scheduler, worker; print(service.__file__)"
    done = subprocess.run([sys.executable, "-c", loads], cwd=tmp_path, capture_output=True, text=True, env={})
    assert done.returncode == 0 and str(tmp_path) in done.stdout, done.stderr


@pytest.mark.parametrize("name", ["web", "scheduler", "worker"])
def test_systemd_starts_the_procfiles_commands(name: str) -> None:
    """From the folder that the documentation names, as a user of its own, restarted, and with time enough to stop."""
    (path,) = UNITS.glob(f"bot-scheduler-{name}*.service")
    service = unit(path)["Service"]
    program, *arguments = service["ExecStart"].split()
    assert [program.removeprefix("/opt/bot-scheduler/.venv/bin/"), *arguments] == procfile()[name]
    assert service["WorkingDirectory"] == "/opt/bot-scheduler"
    assert service["EnvironmentFile"] == "/etc/bot-scheduler/env"
    assert service["User"] == "bot-scheduler" and service["NoNewPrivileges"] == "true"
    assert int(service["TimeoutStopSec"]) >= 30 > LONGEST_STOP_SECONDS and service["Restart"] == "always"
    assert unit(path)["Install"]["WantedBy"] == unit(path)["Unit"]["PartOf"] == "bot-scheduler.target"


def test_every_variable_in_examples_and_documents_is_a_setting() -> None:
    """Misspelt ones would be ignored without a word."""
    for file in (UNITS / "env.example", ROOT / ".env.example"):
        commented = re.sub(r"^#([A-Z_]+=)", r"\1", file.read_text(), flags=re.MULTILINE)
        named = {name for name in dotenv_values(stream=io.StringIO(commented)) if not name.startswith("BOT_SECRET_")}
        assert named and named <= KNOWN, file
    text = (ROOT / "docs" / "deploy.md").read_text()
    assert set(re.findall(r"\b([A-Z]{2,}(?:_[A-Z]+)+)(?==)", text)) <= KNOWN


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """Each option is one that it knows. The programs that they start are not there, so others stand in."""
    for path in UNITS.glob("bot-scheduler*"):
        text = re.sub(r"/opt/bot-scheduler/\.venv/bin/\w+", "/bin/true", path.read_text())
        (tmp_path / path.name).write_text(text.replace("=/opt/bot-scheduler", f"={tmp_path}"))
    files = [str(file) for file in tmp_path.iterdir()]
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "bot-scheduler" not in done.stderr
