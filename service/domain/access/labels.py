"""Labels: a job's own names and values, by which people group jobs, find them, and limit keys to some of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import orjson

from service.domain.access.limits import NO_LIMITS, Limits
from service.domain.input.refusals import Refusals, echo, joined, key_name
from service.errors import ValidationFailed

LABELS_LIMIT = 20
"""The most labels of a job."""
LABEL_FORM = "[A-Za-z0-9._-]{1,63}"
"""The form of a label's name and of its value. A colon in neither separates the two in filters."""
_LABEL = re.compile(LABEL_FORM)
LABEL_IN_WORDS = "1 to 63 of the characters A-Z a-z 0-9 . _ -"

Labels = Mapping[str, str]
"""Label -> value."""


def checked_labels(value: object) -> dict[str, str]:
    """Check the labels of a job.

    Raises:
        ValidationFailed: naming every label that is refused.
    """
    if not isinstance(value, dict):
        raise ValidationFailed.of("labels", f"must be an object of at most {LABELS_LIMIT} labels, not {echo(value)}")
    if len(value) > LABELS_LIMIT:
        raise ValidationFailed.of("labels", f"must have at most {LABELS_LIMIT} labels, not {len(value):,}")
    return well_formed(value, "labels")


def well_formed(labels: Mapping[str, object], field: str) -> dict[str, str]:
    """Check each name and text of labels.

    Args:
        labels: as they were sent.
        field: where they stand in the request.

    Raises:
        ValidationFailed: naming every label that is refused.
    """
    refusals, found = Refusals(), dict[str, str]()
    for label, text in labels.items():
        where = joined(field, key_name(label))
        if not is_label(label):
            refusals.add(where, f"must have a name of {LABEL_IN_WORDS}")
        if not is_label(text):
            refusals.add(where, f"must be text of {LABEL_IN_WORDS}, not {echo(text)}")
        found[label] = str(text)
    refusals.raise_any()
    return found


def parse_label_filter(texts: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Parse filters such as `team:crm`.

    Returns:
        Labels and their values, all of which a job must have.

    Raises:
        ValidationFailed: one of them is malformed.
    """
    found = []
    for text in texts:
        label, _, value = text.partition(":")
        if not (is_label(label) and is_label(value)):
            raise ValidationFailed.of("label", f"must be a label and its value, such as team:crm, not {echo(text)}")
        found.append((label, value))
    return tuple(found)


@lru_cache(8192)
def stored_labels(text: bytes | None) -> Labels:
    """Read stored labels, JSON, and keep them: jobs of one team share them. None: the job has none.

    Raises:
        ValueError: they are damaged.
    """
    found = {} if text is None else orjson.loads(text)
    if not isinstance(found, dict):
        raise ValueError("labels are no object")
    return MappingProxyType(found)


def is_label(text: object) -> bool:
    """Return whether a job may have this as a label's name, or as its value."""
    return isinstance(text, str) and _LABEL.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class JobChoice:
    """A choice among jobs by what they are, not by how they are doing.

    Args:
        labels: labels and values that a job must have, all of them.
        limits: of the caller.
    """

    labels: tuple[tuple[str, str], ...] = ()
    limits: Limits = NO_LIMITS

    @property
    def is_all(self) -> bool:
        """Whether it takes every job."""
        return not self.labels and self.limits.are_none

    def takes(self, labels: Labels, bot_type: str) -> bool:
        """Return whether it takes a job with these labels and this bot."""
        return all(labels.get(label) == value for label, value in self.labels) and self.limits.allow(labels, bot_type)


EVERY_JOB = JobChoice()
