"""Differences between two definitions, field by field; nested fields by their paths, such as `options.max_retries`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.domain.input.refusals import joined

Differences = dict[str, tuple[Any, Any]]
"""Path -> the value before and after; None where the field is absent."""


def leaves(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a definition, those of nested objects by their paths."""
    found: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, Mapping):
            found |= {joined(name, inner): item for inner, item in value.items()}
        else:
            found[name] = value
    return found


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Differences:
    """Compare two definitions.

    Args:
        before: the fields of the earlier one; empty for the first.
        after: those of the later one.

    Returns:
        The fields that differ, in the order of the definitions.
    """
    old, new = leaves(before), leaves(after)
    return {
        path: (old.get(path), new.get(path)) for path in dict.fromkeys([*old, *new]) if old.get(path) != new.get(path)
    }
