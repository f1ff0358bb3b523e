"""The example of docs/write-a-bot.md, installed as anybody would install it, and run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel
from redis import Redis

from bot_scheduler import Bot, Context, RunFailed, Skip
from bot_scheduler.testing import FakeContext
from bot_scheduler.testing.context import START
from service.bots.registry import configs, load_bots
from service.bots.support.bot_settings import BotSettings
from service.bots.support.secrets import Secrets, Vault
from service.domain.job_fields import validate_bot_config
from service.domain.run_records import Outcome
from service.errors import ValidationFailed
from service.settings import Settings
from service.worker.failures import outcome_of_failure
from tests.support.bot_runs import Run, configured
from tests.support.servers.receivers import listening

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "chores-bot"
GUIDE = ROOT / "docs" / "write-a-bot.md"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the package was installed into, without asking an index for anything."""
    source = tmp_path_factory.mktemp("source") / "chores-bot"
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    target = tmp_path_factory.mktemp("target")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    command += ["--no-deps", "--no-build-isolation", "--target", str(target), str(source)]
    subprocess.run(command, check=True, timeout=120)
    return target


@pytest.fixture
def chores(installed: Path, monkeypatch: pytest.MonkeyPatch) -> type[Bot]:
    """The bot as the registry finds it."""
    monkeypatch.syspath_prepend(str(installed))
    return load_bots()["chores"]


def run(bot: type[Bot], client: Redis, **config: Any) -> dict[str, Any]:
    """One run."""
    return bot().run(Run(client, configured(bot.Config, **config), bot=bot.name))


def test_the_example_is_a_bot_type_of_its_own(chores: type[Bot]) -> None:
    """Its config is checked as every bot's is."""
    assert chores.description == "Writes each chore of the day to a file, once a day."
    known = configs({"chores": chores})
    config = {"chores": ["water the plants"], "file": "x"}
    assert validate_bot_config("chores", config, known) == config | {"dry_run": False}
    with pytest.raises(ValidationFailed, match=r"bot_config\.chores is required"):
        validate_bot_config("chores", {"file": "x"}, known)


def test_the_example_does_each_thing_once(chores: type[Bot], redis_client: Redis, tmp_path: Path) -> None:
    """A rehearsal does nothing, a second run does nothing more, and what could not be done is tried again."""
    file = tmp_path / "chores.txt"
    config: dict[str, Any] = {"chores": ["water the plants", "feed the cat"], "file": str(file)}
    lines = ["2025-04-12 water the plants", "2025-04-12 feed the cat"]
    assert run(chores, redis_client, dry_run=True, **config) == {"dry_run": True, "lines": lines}
    assert not file.exists()
    with pytest.raises(OSError):
        run(chores, redis_client, **config | {"file": str(tmp_path)})
    assert run(chores, redis_client, **config) == {"written": 2}
    assert run(chores, redis_client, **config) == {"written": 0}
    assert file.read_text().splitlines() == lines


def pieces() -> dict[str, list[str]]:
    """The tutorial's pieces of code, by the file that each belongs to."""
    guide = GUIDE.read_text()
    found: dict[str, list[str]] = {}
    for name, piece in re.findall(r"^`([\w./]+)`(?:, continued)?:\n\n```\w+\n(.*?)^```", guide, re.M | re.S):
        found.setdefault(name, []).append(piece)
    return found


def test_the_guide_builds_the_example_from_an_empty_folder(tmp_path: Path) -> None:
    """File by file, and the tests that it shows pass where there is `bot_scheduler` and no service."""
    for name, parts in pieces().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("\n\n".join(parts))
        shown, kept = (tmp_path / name).read_text(), (EXAMPLE / name).read_text()
        assert [line for line in shown.splitlines() if line] == [line for line in kept.splitlines() if line]
    assert sorted(pieces()) == ["chores_bot.py", "pyproject.toml", "tests/test_chores_bot.py"]
    told = passed_alone(tmp_path)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "6 passed" in told.stdout


def test_every_piece_of_code_in_the_guide_is_tried() -> None:
    """Those of the tutorial above, and three below."""
    shown = re.findall(r"^```(?:python|toml)\n(.*?)^```", GUIDE.read_text(), re.M | re.S)
    tutorial = [piece for parts in pieces().values() for piece in parts]
    with_window, failing, with_secrets = [piece for piece in shown if piece not in tutorial]
    assert "context.run.window" in with_window
    assert "RunFailed" in failing
    assert "uses_settings" in with_secrets


def test_the_window_and_the_skip_work_as_they_are_shown() -> None:
    """What lies in the run's window is taken once; without any of it the run is skipped."""
    (shown,) = [
        piece for piece in re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(), re.M | re.S) if "Skip" in piece
    ]
    module: dict[str, Any] = {}
    exec(compile(shown, "window.py", "exec", dont_inherit=True), module)
    orders = [(START + timedelta(minutes=n), f"order {n}") for n in (-61, -60, -59, 0, 1)]

    class Orders(Nothing):
        def run(self, context: Context) -> dict[str, Any]:
            return {"orders": module["new_orders"](context, orders)}

    context = FakeContext(Orders, window_start=START - timedelta(hours=1))
    assert context.run() == {"orders": ["order -59", "order 0"]}
    following = context.next_run(after=timedelta(hours=1))
    assert following.run() == {"orders": ["order 1"]}
    last = following.next_run(after=timedelta(hours=1))
    with pytest.raises(Skip):
        last.run()
    assert last.skipped == "nothing new"


class Nothing:
    """A bot without a config."""

    name: ClassVar[str] = "orders"
    description: ClassVar[str] = "Finds new orders."
    Config: ClassVar[type[BaseModel]] = type("Config", (BaseModel,), {})
    uses_settings: ClassVar[tuple[str, ...]] = ()
    safe_to_rerun: ClassVar[bool] = True


def test_the_example_with_windows_passes_its_own_tests(tmp_path: Path) -> None:
    """Where there is `bot_scheduler` and no service."""
    shutil.copytree(ROOT / "examples" / "digest-bot", tmp_path / "digest-bot")
    told = passed_alone(tmp_path / "digest-bot")
    assert told.returncode == 0, told.stdout + told.stderr
    assert "4 passed" in told.stdout


def passed_alone(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the tests of a package beside a copy of `bot_scheduler`."""
    library = folder / "library"
    shutil.copytree(ROOT / "bot_scheduler", library / "bot_scheduler")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), "tests"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (library, folder)))}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


def test_a_failure_says_how_it_goes_on_as_it_is_shown() -> None:
    """Whether it is final, what was done, and how long a retry waits."""
    guide = GUIDE.read_text()
    (shown,) = [piece for piece in re.findall(r"^```python\n(.*?)^```", guide, re.M | re.S) if "RunFailed" in piece]
    module: dict[str, Any] = {}
    exec(compile(shown, "failing.py", "exec", dont_inherit=True), module)
    outcomes = []
    for status in (404, 503):
        with pytest.raises(RunFailed) as failure:
            module["check"](status)
        outcomes.append(outcome_of_failure(failure.value))
    assert outcomes == [
        Outcome("failed", "the shop knows no such customer", None, final=True),
        Outcome("failed", "the shop is busy", {"customers": 12}, wait_seconds=30.0),
    ]


def test_the_bot_with_secrets_works_as_it_is_shown(redis_client: Redis) -> None:
    """With what it declares, and no more."""
    guide = GUIDE.read_text()
    (shown,) = [piece for piece in re.findall(r"^```python\n(.*?)^```", guide, re.M | re.S) if "ReportBot" in piece]
    module: dict[str, Any] = {"__name__": "report_bot"}
    exec(compile(shown, "report_bot.py", "exec", dont_inherit=True), module)
    bot = module["ReportBot"]
    with listening() as crm, listening() as channel:
        crm.answer = b"all is well"
        url = f"json://{channel.address.removeprefix('http://')}/"
        secrets = Secrets(Vault({"BOT_SECRET_CRM": "sesame-open"})).allow((), bot.uses_settings)
        context = SimpleNamespace(
            config=bot.Config(address=crm.address),
            secrets=secrets,
            settings=BotSettings(Settings.model_validate({"alert_url": url}), "report", bot.uses_settings),
        )
        given: dict[str, Any] = {"secrets": {"BOT_SECRET_CRM": "sesame-open"}, "settings": {"alert_url": url}}
        for result in (bot().run(context), FakeContext(bot, {"address": crm.address}, **given).run()):
            assert result == {"messages_sent": 1, "characters": 11}
    assert [request[2]["authorization"] for request in crm.got] == ["Bearer sesame-open"] * 2
    assert all(b"all is well" in request[3] for request in channel.got)
