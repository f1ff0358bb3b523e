"""Names of secrets: `BOT_SECRET_X` in the environment, to which a job refers as `env:BOT_SECRET_X`."""

from __future__ import annotations

import re

PREFIX = "BOT_SECRET_"
"""How the names of all secrets begin that jobs may name."""
SUFFIX = "_HOSTS"
"""How the name of a variable ends that binds a secret to hosts, see `service.secrecy.secret_hosts`."""
MARK = "env:"
"""How a reference to a secret begins."""
NAME_PATTERN = PREFIX + r"[A-Za-z0-9_]{1,100}"
REFERENCE_PATTERN = MARK + NAME_PATTERN
"""The form of a reference, for JSON schemas."""

_NAME = re.compile(NAME_PATTERN)


def is_secret(name: str) -> bool:
    """Return whether a variable of this name is a secret that jobs may name, and does not bind another one."""
    return _NAME.fullmatch(name) is not None and not is_binding(name)


def is_binding(name: str) -> bool:
    """Return whether a variable of this name says where a secret may go."""
    return name.startswith(PREFIX) and name.endswith(SUFFIX) and len(name) > len(PREFIX + SUFFIX)


def is_reference(value: str) -> bool:
    """Return whether a text has the form of a reference to a secret, or to the hosts that bind one."""
    return value.startswith(MARK) and _NAME.fullmatch(referenced(value)) is not None


def referenced(reference: str) -> str:
    """Return the name of the variable to which a reference leads; other texts stay as they are."""
    return reference.removeprefix(MARK)
