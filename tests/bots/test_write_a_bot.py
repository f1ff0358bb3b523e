"""The example of docs/write-a-bot.md, installed as anybody would install it, and run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from redis import Redis

from service.bots.protocol import Bot, RunFailed
from service.bots.registry import configs, load_bots
from service.bots.support.bot_settings import BotSettings
from service.bots.support.secrets import Secrets, Vault
from service.domain.job_fields import validate_bot_config
from service.domain.run_records import Outcome
from service.errors import ValidationFailed
from service.settings import Settings
from service.worker.failures import outcome_of_failure
from tests.bots.receivers import listening
from tests.bots.rig import Run, configured

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "chores-bot"


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
    assert chores.description == "Writes each chore of the day into a file, once a day."
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


def test_the_guide_shows_the_example_as_it_is() -> None:
    """Every piece of code in it stands in the package, but for those that are run below."""
    guide = (ROOT / "docs" / "write-a-bot.md").read_text()
    package = "".join((EXAMPLE / name).read_text() for name in ("pyproject.toml", "chores_bot.py"))
    pieces = re.findall(r"^```(?:python|toml)\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
    assert len(pieces) == 6
    failing, with_secrets = [piece for piece in pieces if piece not in package]
    assert "RunFailed" in failing and "uses_settings" in with_secrets


def test_a_failure_says_how_it_goes_on_as_it_is_shown() -> None:
    """Whether it is final, what was done, and how long a retry waits."""
    guide = (ROOT / "docs" / "write-a-bot.md").read_text()
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
    guide = (ROOT / "docs" / "write-a-bot.md").read_text()
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
        assert bot().run(context) == {"messages_sent": 1, "characters": 11}
    assert crm.got[0][2]["authorization"] == "Bearer sesame-open"
    assert b"all is well" in channel.got[0][3]
