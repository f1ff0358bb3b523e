"""Secrets given by a test."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from bot_scheduler.errors import ServiceError

_NAME = re.compile(r"BOT_SECRET_[A-Za-z0-9_]{1,100}")
_PORTS = {"http": 80, "https": 443}
_HOSTS = "_HOSTS"


class FakeSecrets:
    """The secrets of a run; see `bot_scheduler.Secrets`.

    It finds a secret in a text as it is written. The service's own also finds it encoded or shortened.

    Args:
        values: the secrets by their variables, such as `BOT_SECRET_CRM`. `BOT_SECRET_CRM_HOSTS` binds that one to
            hosts, as in the service.
        allowed: the variables that the job's config names or the bot declares.
    """

    def __init__(self, values: Mapping[str, str], allowed: Iterable[str]) -> None:
        self._values = dict(values)
        self._allowed = frozenset(allowed)

    def text(self, value: str, url: str | None) -> str:
        """Return the secret that `value` names, or `value` itself if it does not begin with `env:`.

        Raises:
            ServiceError: the secret is not set, or is not allowed here.
        """
        if not value.startswith("env:"):
            return value
        name, secret = self._looked_up(value)
        self._check_host(name, url)
        return secret

    def address(self, value: str) -> str:
        """Return the web address that is the secret named by `value`, or `value` itself."""
        return self.text(value, self._looked_up(value)[1]) if value.startswith("env:") else value

    def redacted(self, text: str) -> str:
        """Return `text` with the name of each secret in place of its value."""
        for name, secret in sorted(self._values.items(), key=lambda item: -len(item[1])):
            if secret and is_secret(name):
                text = text.replace(secret, f"[{name}]")
        return text

    def redacted_start(self, text: str, limit: int, whole: bool) -> str:
        """Return the start of `text` without secrets; see `bot_scheduler.Secrets.redacted_start`."""
        redacted = self.redacted(text)
        reach = 0 if whole else max(map(len, self._values.values()), default=0)
        return redacted[: min(limit, max(0, len(redacted) - reach))]

    def _looked_up(self, value: str) -> tuple[str, str]:
        name = value.removeprefix("env:")
        if not is_secret(name):
            raise ServiceError(f'"{value}" is not the name of a secret, which begins with env:BOT_SECRET_')
        if name not in self._allowed:
            raise ServiceError(f"{name} is named neither in the job's bot_config nor in the bot's uses_settings")
        if not self._values.get(name):
            raise ServiceError(f"{name} is not set where the worker runs")
        return name, self._values[name]

    def _check_host(self, name: str, url: str | None) -> None:
        hosts = re.split(r"[,\s]+", self._values.get(name + _HOSTS, "").strip())
        if hosts != [""] and (url is None or not any(_leads_to(host, url) for host in hosts)):
            raise ServiceError(f"{name} may not be sent there: {name}{_HOSTS} does not list the host")


def is_secret(name: str) -> bool:
    """Return whether a variable of this name is a secret that jobs may name."""
    return _NAME.fullmatch(name) is not None and not name.endswith(_HOSTS)


def _leads_to(entry: str, url: str) -> bool:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme)
    wanted, _, wanted_port = entry.lower().partition(":")
    matches = host.endswith(wanted[1:]) if wanted.startswith("*.") else host == wanted
    return matches and wanted_port in ("", str(port))
