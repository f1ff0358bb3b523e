"""Outcomes of messages that an Apprise plugin did not accept, read from its log.

Apprise answers only yes or no. `tests/bots/test_service_words.py` fails if its version uses other words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from service.messages.outcomes import ChannelUnavailable, DeliveryFailed, DeliveryUncertain

_NO_CONNECTION = re.compile(r"NewConnection|NameResolution|ConnectTimeout|SSLError|Connection refused|CertificateError")
_TOLD = re.compile(r"(Failed|Error|A |Could not|There )")
_STATUS = re.compile(r"error[=: ]+(\d{3})")
_OF_THE_CHANNEL = frozenset({"401", "403", "429", "502", "503"})


def verdict(lines: Sequence[str]) -> tuple[type[DeliveryFailed], str]:
    """Return the error to raise, and the reason, as far as the log tells.

    Args:
        lines: Apprise's log of one message.
    """
    said = _exception_in(lines)
    told = next((line for line in reversed(lines) if _TOLD.match(line)), "")
    status = _STATUS.search(told)
    if _NO_CONNECTION.search(said):
        return ChannelUnavailable, f"the channel cannot be reached: {_plain(said)}"
    if status and status[1] in _OF_THE_CHANNEL:
        return ChannelUnavailable, f"the channel refused: {told}"
    if (status and status[1].startswith("4")) or told.startswith("There "):
        return DeliveryFailed, f"the channel refused the message: {told}"
    return DeliveryUncertain, f"the channel failed: {told or _plain(said) or 'no reason given'}"


def _exception_in(lines: Sequence[str]) -> str:
    errors = (line.partition("Socket Exception: ")[2] for line in reversed(lines) if "Socket Exception: " in line)
    return next(errors, "")


def _plain(text: str) -> str:
    """Return the text without the marks that Python puts around bytes."""
    return re.sub(r"b(['\"])(.*?)\1", r"\2", text)
