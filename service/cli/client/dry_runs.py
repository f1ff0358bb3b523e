"""Dry runs of changes: the request of the change itself, with `dry_run=true`."""

from __future__ import annotations

from typing import Any

from service.cli.client.api import api
from service.cli.exits import Exit, Failure

SECONDS = 120
"""The limit of the wait for an answer: a dry run looks at many occurrences."""


def rehearsed(method: str, route: str, path: str, *, days: int | None, **request: Any) -> dict[str, Any]:
    """Ask what a change would do.

    Args:
        method: The HTTP method of the change.
        route: Its route, as the OpenAPI document has it.
        path: The same with its parameters filled in.
        days: How far to look ahead; None for as far as the service does by itself.
        request: The rest of the change, as `Api.ask` takes it.

    Returns:
        The answer, with `changes`.

    Raises:
        Failure: It is refused, or the service is older than dry runs of this route: it would make the change.
    """
    parameters = api().get("/openapi.json")["paths"].get(route, {}).get(method.lower(), {}).get("parameters", ())
    if "dry_run" not in {parameter.get("name") for parameter in parameters}:
        raise Failure(
            Exit.REFUSED, "This service is too old for --dry-run, and would make the change; nothing was sent"
        )
    params = {"dry_run": "true", "days": days}
    return dict(api().json(api().ask(method, path, params=params, seconds=SECONDS, **request), "dry_run", "changes"))


def refuse_days_alone(days: int | None, dry_run: bool) -> None:
    """Refuse `--days` without `--dry-run`: it would be ignored."""
    if days is not None and not dry_run:
        raise Failure(Exit.USAGE, "--days goes with --dry-run")
