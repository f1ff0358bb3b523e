"""The service's settings as a bot sees them: a secret one only if its class lists it in `uses_settings`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, get_args

from pydantic import SecretStr

from service.errors import ServiceError
from service.settings import Settings

_SECRET = frozenset(
    name
    for name, field in Settings.model_fields.items()
    if field.annotation is SecretStr or SecretStr in get_args(field.annotation)
)


class UndeclaredSetting(ServiceError, AttributeError):
    """A bot reads a secret setting that it does not declare."""


class BotSettings:
    """The service's settings, read-only.

    Args:
        settings: all settings.
        bot: the bot's name.
        declared: the secret settings that the bot may read, named as in the environment.
    """

    def __init__(self, settings: Settings, bot: str, declared: Collection[str]) -> None:
        hidden = {name for name in _SECRET if name.upper() not in declared}
        values = {name: getattr(settings, name) for name in Settings.model_fields if name not in hidden}
        vars(self).update(values, _bot=bot)

    def copy(self) -> BotSettings:
        """Return a copy for another run."""
        made = object.__new__(BotSettings)
        vars(made).update(vars(self))
        return made

    def __getattr__(self, name: str) -> Any:
        if name in _SECRET:
            raise UndeclaredSetting(f"The bot {self._bot} must list {name.upper()} in its uses_settings to read it")
        raise AttributeError(f"There is no setting {name}")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("Settings do not change")
