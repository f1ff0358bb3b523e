"""Secrets of jobs: a job names one, the worker holds it, and a run receives those that its job names.

The worker takes them, and the secret settings, out of `os.environ` before it loads any bot. That is tidiness, not a
sandbox: a bot runs as the same user as the service and can read anything that it wants to.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from service.bots.support.addresses import NotAnAddress, parsed
from service.domain.input.refusals import echo
from service.errors import ServiceError
from service.secrecy.own_copies import own_copy
from service.secrecy.redaction import Redaction
from service.secrecy.secret_hosts import Hosts, hosts_of
from service.secrecy.secret_names import MARK, PREFIX, SUFFIX, is_reference, is_secret, referenced
from service.secrecy.secret_values import SECRETS, UNMISTAKABLE

if TYPE_CHECKING:
    import base64
else:
    base64 = own_copy("base64")

OTHERS = "not another variable or the hosts of a secret"
"""The end of sentences that say how a secret is named."""
_SIGNING = "whsec_"
_PORTS = {"http": 80, "https": 443}
SHORTEST_KEY, LONGEST_KEY = 24, 64
"""The fewest and the most bytes of a signing key (Standard Webhooks)."""


class SecretMissing(ServiceError):
    """A secret that a job names is not set where the worker runs."""


class SecretRefused(ServiceError):
    """A secret is malformed, or may not be used in this way. The message names the variable and never its value."""


def is_named(value: str) -> bool:
    """Return whether `value` is the name of a secret rather than a value of its own."""
    return is_reference(value) and is_secret(referenced(value))


def is_misnamed(value: str) -> bool:
    """Return whether `value` looks like the name of a secret, but names another variable or the hosts of a secret."""
    return value.startswith(MARK) and not is_named(value)


def names_in(config: Any) -> frozenset[str]:
    """Return the variables that a job's `bot_config`, or a part of it, names."""
    return frozenset(_names(config))


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if is_named(value):
            yield referenced(value)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _names(inner)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from _names(inner)


def problem(value: str) -> str | None:
    """Return the fault of a secret's value, as the predicate of a sentence whose subject is the variable.

    Return None if the value is valid.
    """
    if not value.strip():
        return "is empty"
    if value.endswith(("\n", "\r")):
        return 'ends with a line break, as files do; set it without one, for example with "$(cat file)"'
    if value != value.strip():
        return f"{'ends' if value[:1].strip() else 'begins'} with white space; remove it"
    if any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 or char in "\u2028\u2029" for char in value):
        return "contains a line break or another control character; a secret is one line"
    if any(0xD800 <= ord(char) < 0xE000 for char in value):
        return "is not UTF-8"
    return None


def signing_key(name: str, value: str) -> bytes:
    """Return the key of a signing secret: the text after `whsec_` is base64, any other secret is the key itself.

    Args:
        name: its variable.
        value: the secret.

    Raises:
        SecretRefused: there is no key, or Standard Webhooks does not allow it.
    """
    if not value.startswith(_SIGNING):
        return value.encode()
    try:
        key = base64.b64decode(value.removeprefix(_SIGNING), validate=True)
    except (binascii.Error, ValueError):
        raise SecretRefused(f"{name} is not a signing secret: the text after whsec_ is not base64") from None
    if not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        wanted = f"{SHORTEST_KEY} to {LONGEST_KEY} bytes"
        raise SecretRefused(
            f"{name} is not a signing secret: the text after whsec_ must be base64 of {wanted}, not {len(key)}"
        )
    return key


class Secrets:
    """The secrets of one run. It remembers those that it has handed out.

    Args:
        vault: holds the secrets.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._allowed: frozenset[str] = frozenset()
        self._used: frozenset[str] = frozenset()

    def allow(self, named: Collection[str], declared: Collection[str] = ()) -> Secrets:
        """Allow the run the secrets that its job's config names and its bot declares.

        Returns:
            Itself.
        """
        self._allowed |= {*named, *declared}
        self._used |= {*declared}
        return self

    def require_bound(self, named: Collection[str]) -> None:
        """Refuse a run that may only use secrets which are bound to hosts.

        A key that is limited to some jobs has asked for the run, with a config of its own; it could name any host.

        Args:
            named: the variables that the run's config names.

        Raises:
            SecretRefused: one of them may go anywhere.
        """
        for name in sorted(named):
            if hosts_of(name, self._vault.environment) is None:
                raise SecretRefused(
                    f"A key that is limited to some jobs has asked for this run, with a bot_config of its own. Such a "
                    f"run may only use secrets that are bound to hosts, and {name}{SUFFIX} is not set where the worker "
                    "runs"
                )

    def text(self, value: str, url: str | None) -> str:
        """Return the secret that `value` names, or `value` itself if it does not begin with `env:`.

        Args:
            value: `env:BOT_SECRET_…`, or a plain text.
            url: the web address to which it is about to be sent; None if it is not sent.

        Raises:
            SecretMissing: it is not set.
            SecretRefused: the name is invalid, the value is malformed, the job does not name it, or it may not go to
                that address.
        """
        return self._allowed_value(value, lambda secret: url)

    def address(self, value: str) -> str:
        """Return the web address that `value` names, or `value` itself if it does not begin with `env:`.

        Raises:
            SecretMissing, SecretRefused: as in `text`.
        """
        return self._allowed_value(value, lambda secret: secret)

    def _allowed_value(self, value: str, goes_to: Callable[[str], str | None]) -> str:
        """Look up what `value` names; `goes_to` tells the web address that the secret is sent to, if any."""
        if not _names_one(value):
            return value
        name, secret = self._looked_up(value)
        self._may_go(name, goes_to(secret))
        return secret

    def redacted(self, text: str) -> str:
        """Return `text` without secrets. A bot uses it on a text before it cuts it short."""
        return self._vault.redaction.applied(self._of_results.applied(text))

    def redacted_start(self, text: str, limit: int, whole: bool) -> str:
        """Return the start of a text without secrets, and without half of one at its end.

        Args:
            text: the text.
            limit: the most characters to return.
            whole: whether the text is complete. Otherwise, half of a secret may stand at its end.
        """
        redacted = self.redacted(text)
        if not whole:
            reach = max(self._of_results.reach, self._vault.redaction.reach)
            return redacted[: min(limit, max(0, len(redacted) - reach))]
        return self._vault.redaction.ended(self._of_results.ended(redacted))[:limit]

    def redacted_result(self, result: dict[str, Any] | None) -> dict[str, Any] | None:
        """Remove the secrets that the run used, and all long ones, from the texts of its result. Leave its keys."""
        if result is not None:
            self._of_results.apply_to(result)
        return result

    @property
    def _of_results(self) -> Redaction:
        return self._vault.of_results(self._used)

    def _looked_up(self, value: str) -> tuple[str, str]:
        name = referenced(value)
        if name not in self._allowed:
            raise SecretRefused(
                f"{name} is named neither in the job's bot_config nor in the bot's uses_settings, "
                "so this run may not use it"
            )
        secret = self._vault.environment.get(name)
        if secret is None or secret == "":
            raise SecretMissing(f"{name} is not set where the worker runs")
        self._used |= {name}
        if (wrong := problem(secret)) is not None:
            raise SecretRefused(f"{name} {wrong}")
        return name, secret

    def _may_go(self, name: str, url: str | None) -> None:
        hosts = hosts_of(name, self._vault.environment)
        if hosts is not None and (url is None or not _lists(hosts, url)):
            where = "this request's host" if url is not None else "an unnamed address"
            raise SecretRefused(f"{name} may not be sent to {where}: {name}{SUFFIX} does not list it")


def _names_one(value: str) -> bool:
    if is_misnamed(value):
        raise SecretRefused(f"{echo(value)} is not the name of a secret: name one as env:BOT_SECRET_…, {OTHERS}")
    return is_named(value)


def _lists(hosts: Hosts, url: str) -> bool:
    # Parsed as the sender of the request parses it, so that no spelling leads elsewhere.
    try:
        address = parsed(url)
    except NotAnAddress:
        return False
    return hosts.allow(address.host, address.port or _PORTS.get(address.scheme))


class Vault:
    """The secrets that a process has taken out of its environment.

    Args:
        environment: the variables.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = dict(environment)
        self.redaction = Redaction.of(self.environment)
        """Removes all secrets, from errors and log lines."""
        self.of_results = lru_cache(maxsize=100)(self._of_results)

    @classmethod
    def taken_out_of(cls, environment: MutableMapping[str, str]) -> Vault:
        """Remove every secret from `environment`, so that neither bots nor their child processes find them there."""
        secret = [name for name in environment if name in SECRETS or name.startswith(PREFIX)]
        vault = cls({name: environment.pop(name) for name in secret})
        # Platforms repeat an address under their own names, such as HEROKU_REDIS_AMBER_URL.
        long_ones = vault.of_results(frozenset())
        for name in [name for name in environment if name.endswith("_URL")]:
            if long_ones.applied(environment[name]) != environment[name]:
                del environment[name]
        return vault

    def opened(self) -> Secrets:
        """Return the secrets of a run that begins. It may use none of them yet."""
        return Secrets(self)

    def _of_results(self, used: frozenset[str]) -> Redaction:
        return Redaction.of(self.environment, UNMISTAKABLE, used)


def is_declarable(name: str) -> bool:
    """Return whether a bot may declare the variable in `uses_settings`."""
    return name in SECRETS or is_secret(name)
