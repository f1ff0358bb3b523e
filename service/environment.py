"""Refusal of environment variables that belong to our libraries and would break what this service promises.

Each process refuses them at its start, by a sentence. It does so before it imports those libraries, since some read
their variables on import.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from service.errors import SettingsError

RQ_DEFAULT = "rq"
WORKER_CLASS = "--worker-class"
"""gunicorn's option that `service.gunicorn_config` sets and the API relies on."""
SHORTEST = len("--worker-c")
"""gunicorn also takes the beginning of a long option; shorter ones than this could mean several."""


def refuse_foreign(environment: Mapping[str, str]) -> None:
    """Raise an error that names the variable to remove, if there is one.

    Raises:
        SettingsError: a variable is set to a harmful value; the message has its name, never its value.
    """
    if environment.get("RQ_KEY_PREFIX", RQ_DEFAULT) != RQ_DEFAULT:
        raise SettingsError(
            "RQ_KEY_PREFIX is set, which would make RQ use other keys than this service: "
            "unset it; REDIS_PREFIX keeps two installations apart"
        )
    if _changes_worker(environment.get("GUNICORN_CMD_ARGS", "")):
        raise SettingsError(f"GUNICORN_CMD_ARGS changes {WORKER_CLASS}, which the API depends on: remove that")


def _changes_worker(arguments: str) -> bool:
    try:
        words = shlex.split(arguments)
    except ValueError:
        return False  # gunicorn refuses that itself
    options = [word.partition("=")[0] for word in words if word.startswith("-")]
    return any(
        option.startswith("-k") or (len(option) >= SHORTEST and WORKER_CLASS.startswith(option)) for option in options
    )
