"""Refusal of environment variables that belong to our libraries and would break what this service promises.

Each process refuses them at its start, by a sentence. It does so before it imports those libraries, since some read
their variables on import.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from importlib.util import find_spec
from urllib.parse import urlsplit

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
COLLECTOR = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""OpenTelemetry's variable that names the collector of traces."""
_OF_TRACES = {
    "opentelemetry.sdk.trace": "opentelemetry-sdk",
    "opentelemetry.exporter.otlp.proto.http": "opentelemetry-exporter-otlp-proto-http",
}
"""The modules of the extra `traces`, and their packages."""
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
    if is_traced(environment):
        _refuse_untraceable(environment)
    changed = _serving_options(environment.get("GUNICORN_CMD_ARGS", ""))
    if changed:
        raise SettingsError(
            f"GUNICORN_CMD_ARGS changes {', '.join(changed)}, which the web process sets itself: remove that"
        )


def is_traced(environment: Mapping[str, str]) -> bool:
    """Return whether runs are traced: there is a collector, and OpenTelemetry's own switches are not off."""
    return bool(
        environment.get(COLLECTOR)
        and environment.get("OTEL_SDK_DISABLED", "").lower() != "true"
        and environment.get("OTEL_TRACES_EXPORTER") != "none"
    )


def _refuse_untraceable(environment: Mapping[str, str]) -> None:
    url = urlsplit(environment[COLLECTOR])
    if url.scheme not in ("http", "https") or not url.hostname:
        raise SettingsError(f"{COLLECTOR} is malformed: write the http:// or https:// address of a collector")
    if "@" in url.netloc or url.query:
        raise SettingsError(
            f"{COLLECTOR} must not carry a user, a password or a query, since it is no secret: send them as "
            "OTEL_EXPORTER_OTLP_HEADERS"
        )
    for name in ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        if environment.get(name, "") not in ("", "http/protobuf"):
            raise SettingsError(
                f"{name} must be http/protobuf, which is how traces are sent: unset it, and name the collector's port "
                f"for HTTP in {COLLECTOR} (usually 4318)"
            )
    missing = [package for module, package in _OF_TRACES.items() if not _is_installed(module)]
    if missing:
        raise SettingsError(
            f"{COLLECTOR} is set, but {' and '.join(missing)} cannot be found: install bot-scheduler[traces], or unset "
            "the variable"
        )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None  # it loads the packages around the module, which are nearly empty
    except ModuleNotFoundError:
        return False


def _serving_options(arguments: str) -> list[str]:
    try:
        words = shlex.split(arguments)
    except ValueError:
        return []  # gunicorn refuses that itself
    options = [word.partition("=")[0] for word in words if word.startswith("-")]
    found = ["--worker-class" for option in options if option.startswith("-k")]
    found += [name for name in SERVING for option in options if len(option) >= SHORTEST and name.startswith(option)]
    return sorted(set(found))
