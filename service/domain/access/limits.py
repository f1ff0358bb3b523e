"""Limits of a key: the jobs that exist for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Limits:
    """The jobs that a caller may see, run and change. To it, all others do not exist.

    Args:
        labels: label -> the values of which a job must have one, for each label named; empty for no such limit.
        bot_types: of which a job must have one; None for no such limit.
    """

    labels: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    bot_types: frozenset[str] | None = None

    @property
    def are_none(self) -> bool:
        """Whether all jobs exist for this caller."""
        return not self.labels and self.bot_types is None

    def allow(self, labels: Mapping[str, str], bot_type: str) -> bool:
        """Return whether a job with these labels and this bot exists for this caller."""
        return (self.bot_types is None or bot_type in self.bot_types) and all(
            labels.get(label) in values for label, values in self.labels.items()
        )

    def within(self, wider: Limits) -> bool:
        """Return whether every job that these limits allow is also allowed by the wider ones."""
        bots = wider.bot_types is None or (self.bot_types is not None and self.bot_types <= wider.bot_types)
        return bots and all(
            label in self.labels and self.labels[label] <= values for label, values in wider.labels.items()
        )


NO_LIMITS = Limits()
