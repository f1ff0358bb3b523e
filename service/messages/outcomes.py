"""Outcomes of a message that was not sent, or perhaps not: one error class for each.

A bot decides by the class whether to try again, to skip the person, or to stop. `service.messages.smtp` has the table
of a mail server's answers and the outcomes that they mean. This is a module of its own because every sender raises
these and none of them owns them.
"""

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
    """The recipient's server refused the message for now (SMTP 4xx), or broke off before it had the text.

    Nothing was sent. The server may take the same message later.
    """


class RecipientRefused(DeliveryFailed):
    """The recipient's server refused the message for good (SMTP 5xx to RCPT or DATA). Nothing was sent."""
