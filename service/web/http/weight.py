"""Weight of a request's body: whether it is checked on the event loop. One rule for every body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.domain.planning import LONG_TYPES

LIGHT_ITEMS = 200
"""Most values in a light body."""
LIGHT_TEXT = 2000
"""Longest text in a light body, in characters."""


def is_light(body: Mapping[str, Any]) -> bool:
    """Tell whether a body has few values and short texts, none of them a template, and no schedule of a long type."""
    if body.get("schedule_type") in LONG_TYPES:
        return False
    values: list[Any] = [body]
    for value in values:
        if len(values) > LIGHT_ITEMS:
            return False
        if isinstance(value, Mapping):
            values.extend(value.values())
        elif isinstance(value, list):
            values.extend(value)
        elif isinstance(value, str) and (len(value) > LIGHT_TEXT or "{{" in value or "{%" in value):
            return False  # a template is tried before it is stored, and a bad one takes a tenth of a second
    return True
