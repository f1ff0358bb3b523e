"""Variables of the environment that belong to libraries of ours and would break what this service promises.

They are refused at the start, by a sentence, rather than obeyed by one process and not by another. It has to be done
before those libraries are imported, since some read theirs just then.
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
"""Options of gunicorn's that `service.gunicorn_config` sets and the API counts on."""
SHORTEST = 5
"""gunicorn takes a long option by its beginning, too; shorter ones than this could mean several."""


def refuse_foreign(environment: Mapping[str, str]) -> None:
    """Lets the environment pass, or says which variable is to be taken out of it.

    Raises:
        SettingsError: one of them is set to something that matters; the message has its name, never its value.
    """
    if environment.get("RQ_KEY_PREFIX", RQ_DEFAULT) != RQ_DEFAULT:
        raise SettingsError(
            "RQ_KEY_PREFIX is set, which would have RQ use other keys than this service: "
            "unset it; REDIS_PREFIX keeps two installations apart"
        )
    changed = _serving_options(environment.get("GUNICORN_CMD_ARGS", ""))
    if changed:
        raise SettingsError(
            f"GUNICORN_CMD_ARGS changes {', '.join(changed)}, which the API counts on: take that out of it"
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
