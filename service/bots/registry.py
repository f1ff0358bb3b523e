"""The registry of bots: the built-in ones, and those of installed packages."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points

from pydantic import BaseModel

from bot_scheduler import Bot
from service.bots.birthday.bot import BirthdayBot
from service.bots.contacts_sync.bot import ContactsSyncBot
from service.bots.heartbeat.bot import HeartbeatBot
from service.bots.support.secrets import is_declarable
from service.bots.visitor.bot import VisitorBot
from service.bots.webhook.bot import WebhookBot
from service.secrecy.secret_values import SECRETS

GROUP = "bot_scheduler.bots"
"""The entry-point group in which a package names its bot classes."""

_BUILT_IN: tuple[type[Bot], ...] = (BirthdayBot, VisitorBot, WebhookBot, ContactsSyncBot, HeartbeatBot)
_log = logging.getLogger(__name__)


def load_bots() -> dict[str, type[Bot]]:
    """Return every bot's class by its name.

    Log and leave out a bot that cannot be loaded, or has the name of another.
    """
    bots: dict[str, type[Bot]] = {bot.name: bot for bot in _BUILT_IN}
    for entry in entry_points(group=GROUP):
        bot = _load(entry)
        if bot is None:
            continue
        if bot.name in bots:
            _log.error(
                "The bot %r of %s is left out: another bot has this name. Give it another one", bot.name, entry.value
            )
            continue
        bots[bot.name] = bot
    return bots


def configs(bots: Mapping[str, type[Bot]]) -> dict[str, type[BaseModel]]:
    """Return every bot's `Config` by the bot's name."""
    return {name: bot.Config for name, bot in bots.items()}


def about_persons(bots: Mapping[str, type[Bot]]) -> frozenset[str]:
    """Return the names of the bots whose results and logs are about persons."""
    return frozenset(name for name, bot in bots.items() if getattr(bot, "handles_persons", False))


def _is_declaration(names: object) -> bool:
    return isinstance(names, tuple | list) and all(isinstance(name, str) and is_declarable(name) for name in names)


def _load(entry: EntryPoint) -> type[Bot] | None:
    try:
        bot = entry.load()
        name, config = bot.name, bot.Config
    except Exception as error:  # noqa: BLE001 - whatever a foreign package raises must not stop the service
        _log.error("The bot %s is left out: it cannot be loaded: %s", entry.value, error)
        return None
    if not (isinstance(name, str) and re.fullmatch(r"[a-z0-9_-]{1,64}", name)):
        _log.error("The bot %s is left out: its name must consist of lower-case letters, digits, _ and -", entry.value)
        return None
    if not (isinstance(config, type) and issubclass(config, BaseModel) and callable(getattr(bot, "run", None))):
        _log.error("The bot %s is left out: it needs a pydantic model `Config` and a method `run`", entry.value)
        return None
    if not _is_declaration(getattr(bot, "uses_settings", ())):
        secret = ", ".join(SECRETS)
        _log.error(
            "The bot %s is left out: its uses_settings must list some of %s, or BOT_SECRET_…", entry.value, secret
        )
        return None
    loaded: type[Bot] = bot
    return loaded
