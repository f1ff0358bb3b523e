"""What the address of the audit log's page asks for: filters as a form has them, made into those of the use case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from falcon.asgi import Request

from service.web.console.finding.days import period_of
from service.web.http import query

FILTERS = ("actor", "action", "job_id", "since", "until", "zone")
MOST_NAMESAKES = 20
"""Jobs that are offered where a name means several."""


def asked_for(req: Request) -> dict[str, str]:
    """Read the filters as they were typed; empty for those that were not."""
    return {name: (query.text(req, name) or "").strip() for name in FILTERS}


def filters_of(asked: Mapping[str, str]) -> dict[str, Any]:
    """Return all filters but the job as the use case takes them.

    Raises:
        ValidationFailed: a day or the zone is not valid.
    """
    return {name: asked[name] or None for name in ("actor", "action")} | period_of(asked)
