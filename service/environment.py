"""Refusal of environment variables that belong to our libraries and would break what this service promises.

Each process refuses them at its start, by a sentence. It does so before it imports those libraries, since some read
their variables on import.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from service.errors import SettingsError

RQ_DEFAULT = "rq"
SERVING = (
    "--worker-class",
    "--threads",
    "--limit-request-line",
    "--limit-request-fields",
    "--limit-request-field_size",
)
"""gunicorn's options that `service.gunicorn_config` sets, or that our worker does not heed."""
SHORTEST = 5
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
    changed = _serving_options(environment.get("GUNICORN_CMD_ARGS", ""))
    if changed:
        raise SettingsError(
            f"GUNICORN_CMD_ARGS changes {', '.join(changed)}, which the web process sets itself: remove that"
        )


def _serving_options(arguments: str) -> list[str]:
    try:
        words = shlex.split(arguments)
    except ValueError:
        return []  # gunicorn refuses that itself
    options = [word.partition("=")[0] for word in words if word.startswith("-")]
    found = ["--worker-class" for option in options if option.startswith("-k")]
    found += [name for name in SERVING for option in options if len(option) >= SHORTEST and name.startswith(option)]
    return sorted(set(found))
