"""What can go wrong, as one tree: catch `ServiceError` to catch all of it.

Every message is one readable sentence for the person who caused the error or has to mend it. None may carry
a secret: no API key, no Redis URL, no message URL.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot_scheduler import ServiceError as ServiceError  # the root of this tree, which bots raise as well


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that was refused: its dotted path (`schedule_config.hour`), and why, as the predicate of a sentence
    whose subject the field is (`must be a whole number from 0 to 23, not "8"`)."""

    field: str
    message: str


class ValidationFailed(ServiceError):
    """The input was refused; nothing was changed.

    Args:
        errors: at least one refused field, in the order in which they were found.
    """

    def __init__(self, errors: Sequence[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__("; ".join(f"{error.field} {error.message}".lstrip() for error in self.errors))

    @classmethod
    def of(cls, field: str, message: str) -> ValidationFailed:
        """A refusal of one field."""
        return cls([FieldError(field, message)])


class NotFound(ServiceError):
    """What was asked for does not exist."""


class Conflict(ServiceError):
    """The request is valid, but not in the present state."""


class PreconditionFailed(ServiceError):
    """`If-Match` names another revision than the present one."""


class ConcurrentChange(ServiceError):
    """Somebody else changed the same record in between; read it again and retry."""


class StoreUnavailable(ServiceError):
    """Redis cannot be reached, has no connection to spare, or cannot be used as it is.

    Args:
        sentence: what happened.
        advice: what to do about it, where that can be told from what happened.
    """

    def __init__(self, sentence: str = "", advice: str | None = None) -> None:
        self.advice = advice
        super().__init__(f"{sentence}; {_lowered(advice)}" if advice else sentence)
        self.sentence = sentence


class StoreFull(StoreUnavailable):
    """Redis answers, but has no memory left to write to; what frees memory still gets through."""


class WritesRefused(StoreUnavailable):
    """Redis answers, and refuses every write of everybody, since it cannot save its data to disk."""


class StoreUnsuitable(StoreUnavailable):
    """Redis answers, and is of a kind that this service cannot use: a cluster, a replica, a newer release's data."""


class NoRoom(ServiceError):
    """There is no room on this machine's disk for what has to be put aside."""


class SettingsError(ServiceError):
    """A setting is missing or malformed; the message names it."""


class ScheduleError(ServiceError):
    """A stored schedule cannot be planned."""


class DeliveryFailed(ServiceError):
    """A message was not delivered; says why, without the channel's address."""


class ChannelUnavailable(DeliveryFailed):
    """The whole channel is unusable (unset, refused, unreachable), not one recipient alone."""


def _lowered(advice: str) -> str:
    return advice if advice[:2].isupper() else advice[:1].lower() + advice[1:]
