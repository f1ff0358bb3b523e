"""Errors, as one tree: catch `ServiceError` to catch them all.

Every message is one readable sentence for the person who caused the error or has to mend it. None may carry a secret:
no API key, no Redis URL, no message URL.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot_scheduler import ServiceError as ServiceError  # the root of this tree, which bots raise as well


@dataclass(frozen=True, slots=True)
class FieldError:
    """A refused field: its dotted path (`schedule_config.hour`), and the reason.

    The reason is the predicate of a sentence about the field: `must be a whole number from 0 to 23, not "8"`.
    """

    field: str
    message: str


class ValidationFailed(ServiceError):
    """The input is invalid; nothing was changed.

    Args:
        errors: the refused fields, at least one, in the order of the checks.
    """

    def __init__(self, errors: Sequence[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__("; ".join(f"{error.field} {error.message}".lstrip() for error in self.errors))

    @classmethod
    def of(cls, field: str, message: str) -> ValidationFailed:
        """Refuse one field."""
        return cls([FieldError(field, message)])


class Forbidden(ServiceError):
    """The caller's key may not do this."""


class NotFound(ServiceError):
    """The requested thing does not exist."""


class Conflict(ServiceError):
    """The request is valid, but not in the present state."""


class PreconditionFailed(ServiceError):
    """`If-Match` names another revision than the present one."""


class ConcurrentChange(ServiceError):
    """Somebody else has changed the same record since; read it again and retry."""


class StoreUnavailable(ServiceError):
    """Redis cannot be reached, has no connection to spare, or cannot be used as it is.

    Args:
        sentence: what happened.
        advice: what to do about it, where that is known.
    """

    def __init__(self, sentence: str = "", advice: str | None = None) -> None:
        self.advice = advice
        super().__init__(f"{sentence}; {_lowered(advice)}" if advice else sentence)
        self.sentence = sentence


class StoreFull(StoreUnavailable):
    """Redis answers, but has no memory left for writes; commands that free memory still get through."""


class WritesRefused(StoreUnavailable):
    """Redis answers, but refuses all writes, because it cannot save its data to disk."""


class StoreUnsuitable(StoreUnavailable):
    """Redis answers, but this service cannot use it: it is a cluster, a replica, or has a newer release's data."""


class NoRoom(ServiceError):
    """This machine's disk has no room for a file that has to be put aside."""


class SettingsError(ServiceError):
    """A setting is missing or malformed; the message names it."""


class ScheduleError(ServiceError):
    """A stored schedule cannot be planned."""


class DeliveryFailed(ServiceError):
    """A message was not delivered; the text says why, without the channel's address."""


class ChannelUnavailable(DeliveryFailed):
    """The whole channel is unusable (unset, refused, unreachable), not just one recipient."""


def _lowered(advice: str) -> str:
    return advice if advice[:2].isupper() else advice[:1].lower() + advice[1:]
