"""What can become of a message that is not sent, or not surely."""

from __future__ import annotations

from service.errors import ChannelUnavailable, DeliveryFailed

__all__ = [
    "ChannelUnavailable",
    "DeliveryDeferred",
    "DeliveryFailed",
    "DeliveryUncertain",
    "RecipientRefused",
]


class DeliveryUncertain(DeliveryFailed):
    """The channel broke off in the middle: the message may or may not have arrived."""


class DeliveryDeferred(DeliveryFailed):
    """The recipient's server refused it for now (SMTP 4xx), or broke off before it had the text; nothing was sent, and
    the same may be taken later."""


class RecipientRefused(DeliveryFailed):
    """The recipient's server refused it for good (SMTP 5xx to RCPT or DATA); nothing was sent."""
