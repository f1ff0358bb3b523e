"""Delivery of messages to people.

`MESSAGE_URL` holds one or more Apprise URLs with a contact's fields in braces, such as
`mailtos://user:pass@smtp.example.org?from=me@example.org&to={email}`. The first URL whose fields the contact has is
used. Our own sender delivers mail, since its outcomes follow from status codes; Apprise delivers to every other
service. A message goes to exactly the intended address, or to nobody.
"""

from service.messages.mail_urls import TIMEOUT
from service.messages.messenger import Messenger, announce, destination, why_unusable
from service.messages.outcomes import (
    ChannelUnavailable,
    DeliveryDeferred,
    DeliveryFailed,
    DeliveryUncertain,
    RecipientRefused,
)

__all__ = [
    "TIMEOUT",
    "ChannelUnavailable",
    "DeliveryDeferred",
    "DeliveryFailed",
    "DeliveryUncertain",
    "Messenger",
    "RecipientRefused",
    "announce",
    "destination",
    "why_unusable",
]
