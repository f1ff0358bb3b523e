"""Kinds of jobs: jobs of one kind that are due at the same instant share one plan.

A kind stands for all that a plan follows from, the instant aside, so it is stored with the job whenever that changes.
It is a part of a cryptographic digest, long enough that nobody can give a job the kind of another schedule on purpose.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from service.domain.options import Options

DIGEST_BYTES = 9
"""72 bits, which are twelve characters."""


def kind_of(
    schedule_type: str, schedule_config: Mapping[str, Any], options: Options, calendar: str | None = None
) -> str | None:
    """Return a job's kind; None if its plans are its own.

    Args:
        schedule_type: the job's.
        schedule_config: the job's.
        options: the job's.
        calendar: the calendar by which it was planned, as `name/stamp`.

    An interval counts from the job's own anchor, as others do that count, and a jitter is drawn from the job's id.
    """
    if options.jitter_seconds or _has_own_anchor(schedule_type, schedule_config, options):
        return None
    parts = [schedule_type, schedule_config, options.model_dump(mode="json", exclude_defaults=True)]
    if calendar is not None:
        parts.append(calendar)
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).digest()
    return base64.urlsafe_b64encode(digest[:DIGEST_BYTES]).decode()


def _has_own_anchor(schedule_type: str, config: Mapping[str, Any], options: Options) -> bool:
    """Return whether a schedule's occurrences depend on when it was planned."""
    if schedule_type == "interval":
        return True
    if schedule_type == "any":
        singles = [*config["schedules"], *config.get("except", ())]
        return any(_has_own_anchor(one["schedule_type"], one["schedule_config"], options) for one in singles)
    if options.starts_at is not None:
        return False
    return config.get("every", 1) != 1 or (schedule_type == "rrule" and "dtstart" not in config)
