"""Secrets that jobs need: a job names one, the worker holds it, and a run is handed those that its job names.

The worker takes them, and the settings that are secret, out of `os.environ` before it loads any bot. That is tidiness
and no sandbox: a bot runs as the same user as the service, and can read what it really wants to.
"""

from __future__ import annotations

import binascii
from collections.abc import Collection, Iterator, Mapping, MutableMapping
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

OTHERS = "no other variable, and not the hosts to which one is bound"
"""What no job may name, for sentences that say how a secret is named."""
_SIGNING = "whsec_"
_PORTS = {"http": 80, "https": 443}
SHORTEST_KEY, LONGEST_KEY = 24, 64
"""Bytes of a signing key, by Standard Webhooks."""


class SecretMissing(ServiceError):
    """A secret that a job names is not set where the worker runs."""


class SecretRefused(ServiceError):
    """A secret is malformed, or may not be used so; the message names the variable and never its value."""


def is_named(value: str) -> bool:
    """Whether `value` is the name of a secret rather than a value of its own."""
    return is_reference(value) and is_secret(referenced(value))


def is_misnamed(value: str) -> bool:
    """Whether `value` is written as the name of a secret and is none: another variable, or the hosts of a secret."""
    return value.startswith(MARK) and not is_named(value)


def names_in(config: Any) -> frozenset[str]:
    """The variables that a job's `bot_config`, or a part of it, names."""
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
    """What is wrong with a secret's value, as the predicate of a sentence whose subject is its variable."""
    if not value.strip():
        return "is empty"
    if value.endswith(("\n", "\r")):
        return 'ends with a line break, as files do; set it without one, for example with "$(cat file)"'
    if value != value.strip():
        return f"{'ends' if value[:1].strip() else 'begins'} with white space; set it without"
    if any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 or char in "\u2028\u2029" for char in value):
        return "has a line break or another control character within; a secret is one line"
    if any(0xD800 <= ord(char) < 0xE000 for char in value):
        return "is not UTF-8"
    return None


def signing_key(name: str, value: str) -> bytes:
    """The key of a signing secret: what follows `whsec_` is base64, anything else is the key itself.

    Args:
        name: its variable.

    Raises:
        SecretRefused: there is no key, or one that Standard Webhooks does not allow.
    """
    if not value.startswith(_SIGNING):
        return value.encode()
    try:
        key = base64.b64decode(value.removeprefix(_SIGNING), validate=True)
    except (binascii.Error, ValueError):
        raise SecretRefused(f"{name} is no signing secret: what follows whsec_ is not base64") from None
    if not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        wanted = f"{SHORTEST_KEY} to {LONGEST_KEY} bytes"
        raise SecretRefused(
            f"{name} is no signing secret: what follows whsec_ must be base64 of {wanted}, not {len(key)}"
        )
    return key


class Secrets:
    """The secrets of one run, which notes those that it has handed out.

    Args:
        vault: where they are.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._allowed: frozenset[str] = frozenset()
        self._used: frozenset[str] = frozenset()

    def allow(self, named: Collection[str], declared: Collection[str] = ()) -> Secrets:
        """Lets the run have the secrets that its job's config names, and what its bot declares that it uses.

        Returns:
            Itself.
        """
        self._allowed |= {*named, *declared}
        self._used |= {*declared}
        return self

    def text(self, value: str, url: str | None) -> str:
        """The secret that `value` names; `value` itself if it does not begin with `env:`.

        Args:
            url: the web address that it is about to be sent to; None if it is sent nowhere.

        Raises:
            SecretMissing: it is not set.
            SecretRefused: it is no name of a secret, its value is malformed, the job does not name it, or it may not go
                to that address.
        """
        if not _names_one(value):
            return value
        name, found = self._found(value)
        self._may_go(name, url)
        return found

    def address(self, value: str) -> str:
        """The web address that the secret named by `value` is, about to be asked; `value` itself if it does not begin
        with `env:`.

        Raises:
            SecretMissing, SecretRefused: as `text`.
        """
        if not _names_one(value):
            return value
        name, found = self._found(value)
        self._may_go(name, found)
        return found

    def redacted(self, text: str) -> str:
        """`text` without secrets, for what a bot cuts short before it returns it."""
        return self._vault.redaction.applied(self._of_results.applied(text))

    def redacted_start(self, text: str, limit: int, whole: bool) -> str:
        """The start of a text without secrets, nor the beginning of one at its end.

        Args:
            limit: characters at most.
            whole: whether the text is all that there was; else its end may be in the midst of a secret.
        """
        found = self.redacted(text)
        if not whole:
            reach = max(self._of_results.reach, self._vault.redaction.reach)
            return found[: min(limit, max(0, len(found) - reach))]
        return self._vault.redaction.ended(self._of_results.ended(found))[:limit]

    def redacted_result(self, result: dict[str, Any] | None) -> dict[str, Any] | None:
        """A run's result; its texts, not its keys, are rid of the secrets that the run used and of all long ones."""
        if result is not None:
            self._of_results.apply_to(result)
        return result

    @property
    def _of_results(self) -> Redaction:
        return self._vault.of_results(self._used)

    def _found(self, value: str) -> tuple[str, str]:
        name = referenced(value)
        if name not in self._allowed:
            raise SecretRefused(
                f"{name} is not named in the job's bot_config, nor in the bot's uses_settings, "
                "so that this run may not have it"
            )
        found = self._vault.environment.get(name)
        if found is None or found == "":
            raise SecretMissing(f"{name} is not set where the worker runs")
        self._used |= {name}
        if (wrong := problem(found)) is not None:
            raise SecretRefused(f"{name} {wrong}")
        return name, found

    def _may_go(self, name: str, url: str | None) -> None:
        hosts = hosts_of(name, self._vault.environment)
        if hosts is not None and (url is None or not _lists(hosts, url)):
            where = "this request's host" if url is not None else "a place that is not told"
            raise SecretRefused(f"{name} may not be sent to {where}: {name}{SUFFIX} does not list it")


def _names_one(value: str) -> bool:
    if is_misnamed(value):
        raise SecretRefused(f"{echo(value)} is no name of a secret: that is env:BOT_SECRET_…, {OTHERS}")
    return is_named(value)


def _lists(hosts: Hosts, url: str) -> bool:
    # Read as those read it who send the request, so that no spelling leads elsewhere.
    try:
        address = parsed(url)
    except NotAnAddress:
        return False
    return hosts.allow(address.host, address.port or _PORTS.get(address.scheme))


class Vault:
    """What a process has taken out of its environment.

    Args:
        environment: the variables.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = dict(environment)
        self.redaction = Redaction.of(self.environment)
        """Of all secrets: for errors and log lines."""
        self.of_results = lru_cache(maxsize=100)(self._of_results)

    @classmethod
    def taken_out_of(cls, environment: MutableMapping[str, str]) -> Vault:
        """Empties `environment` of every secret, so that neither bots nor what they start find them there."""
        secret = [name for name in environment if name in SECRETS or name.startswith(PREFIX)]
        vault = cls({name: environment.pop(name) for name in secret})
        # Platforms repeat an address under names of their own, such as HEROKU_REDIS_AMBER_URL.
        long_ones = vault.of_results(frozenset())
        for name in [name for name in environment if name.endswith("_URL")]:
            if long_ones.applied(environment[name]) != environment[name]:
                del environment[name]
        return vault

    def opened(self) -> Secrets:
        """The secrets of a run that begins; it has none as yet."""
        return Secrets(self)

    def _of_results(self, used: frozenset[str]) -> Redaction:
        return Redaction.of(self.environment, UNMISTAKABLE, used)


def is_declarable(name: str) -> bool:
    """Whether a bot may declare the variable in `uses_settings` as a secret that it uses."""
    return name in SECRETS or is_secret(name)
