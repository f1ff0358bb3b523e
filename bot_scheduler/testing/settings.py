"""Settings given by a test."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import SecretStr

from bot_scheduler.errors import ServiceError

SECRET = ("api_key", "api_key_previous", "redis_url", "message_url", "alert_url", "contacts_url", "heartbeat_url")
"""The settings that a bot must declare in `uses_settings` before it can read them."""


class UndeclaredSetting(ServiceError, AttributeError):
    """A bot reads a secret setting that it does not declare."""


class FakeSettings:
    """The service's settings, read-only.

    Args:
        values: settings by their names in lower case, such as `alert_url`. A secret one may be a plain text.
        declared: the bot's `uses_settings`.
    """

    def __init__(self, values: Mapping[str, Any], declared: Collection[str]) -> None:
        kept = dict.fromkeys(name for name in SECRET if name.upper() in declared) | dict(values)
        for name, value in kept.items():
            if name not in SECRET:
                vars(self)[name] = value
            elif name.upper() in declared:
                vars(self)[name] = SecretStr(value) if isinstance(value, str) else value

    def __getattr__(self, name: str) -> Any:
        if name in SECRET:
            raise UndeclaredSetting(f"The bot must list {name.upper()} in its uses_settings to read it")
        raise AttributeError(f"The test gives no setting {name}: FakeContext(…, settings={{{name!r}: …}})")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("Settings do not change")
