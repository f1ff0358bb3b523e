"""Which bots there are, those of installed packages among them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from service.bots.registry import configs, load_bots

Install = Callable[[str, str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a package that brings one bot: its module's name, its text, and what the entry point names."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def installed(module: str, text: str, target: str) -> None:
        (tmp_path / f"{module}.py").write_text(text)
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[bot_scheduler.bots]\n{module} = {target}\n")

    return installed


BOT = """
from pydantic import BaseModel

class Bot:
    name = "{name}"
    description = "Says hello."
    safe_to_rerun = True
    class Config(BaseModel):
        greeting: str = "hello"
    def run(self, context):
        return {{"said": context.config.greeting}}
"""


def test_the_built_in_bots_are_there() -> None:
    """Under the names that jobs use."""
    bots = load_bots()
    assert set(bots) == {"birthday", "visitor", "webhook", "contacts_sync", "heartbeat"}
    assert all(bot.name == name and bot.description for name, bot in bots.items())
    assert configs(bots)["visitor"]().model_dump() == {"dry_run": False, "limit": 50}


def test_a_bot_may_declare_the_secrets_that_it_uses(install: Install) -> None:
    """Secret settings, and secrets of its own; the built-in ones declare what they need."""
    declared = BOT.format(name="crm") + "    uses_settings = ('MESSAGE_URL', 'BOT_SECRET_CRM')\n"
    install("declaring_bot", declared, "declaring_bot:Bot")
    bots = load_bots()
    assert bots["crm"].uses_settings == ("MESSAGE_URL", "BOT_SECRET_CRM")
    assert bots["birthday"].uses_settings == ("MESSAGE_URL", "ALERT_URL")
    assert bots["contacts_sync"].uses_settings == ("CONTACTS_URL",)
    assert bots["visitor"].uses_settings == bots["webhook"].uses_settings == ()


def test_an_installed_package_adds_its_bot(install: Install) -> None:
    """By the entry-point group."""
    install("hello_bot_one", BOT.format(name="hello"), "hello_bot_one:Bot")
    assert load_bots()["hello"].description == "Says hello."


@pytest.mark.parametrize(
    ("module", "text", "reason"),
    [
        ("broken_bot_a", "raise RuntimeError('no licence')", "no licence"),
        ("broken_bot_b", BOT.format(name="Not A Name"), "its name must consist of"),
        ("broken_bot_c", BOT.format(name="birthday"), "another bot has this name"),
        (
            "broken_bot_e",
            BOT.format(name="e") + "    uses_settings = ('PATH',)\n",
            "its uses_settings must list some of API_KEY",
        ),
        ("broken_bot_f", BOT.format(name="f") + "    uses_settings = 'API_KEY'\n", "its uses_settings must list"),
        (
            "broken_bot_g",
            BOT.format(name="g") + "    uses_settings = ('BOT_SECRET_A_HOSTS',)\n",
            "its uses_settings must",
        ),
        ("broken_bot_d", "class Bot:\n    name = 'd'\n    Config = dict\n", "needs a pydantic model"),
    ],
)
def test_a_broken_package_is_logged_and_left_out(
    install: Install, caplog: pytest.LogCaptureFixture, module: str, text: str, reason: str
) -> None:
    """The others work on."""
    install(module, text, f"{module}:Bot")
    with caplog.at_level(logging.ERROR):
        assert set(load_bots()) == {"birthday", "visitor", "webhook", "contacts_sync", "heartbeat"}
    assert reason in caplog.text
