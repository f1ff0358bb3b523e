"""Links of one use in alerts: each names one action on one job, and proves by a signature that this service made it.

A link is the proof of itself, so that it needs no key and no session. It opens nothing else, and for a week.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import struct
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Action = Literal["snooze", "again"]
LIFETIME_SECONDS = 7 * 86_400
"""For how long a link can be used, from the moment at which its alert was sorted."""
PATH = "/link/"
"""The path of the page that a link opens."""
LONGEST = 300
"""A longer token, in characters, is not one of ours."""
_ACTIONS: dict[bytes, Action] = {b"s": "snooze", b"a": "again"}
_LETTERS = {action: letter for letter, action in _ACTIONS.items()}
_HEAD = struct.Struct(">cQ16s16s16s")
_MAC_BYTES = 16
"""Bytes of HMAC-SHA256 that are kept: half of them, as RFC 2104 (section 5) allows."""
_NO_RUN = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True)
class Link:
    """A link in an alert.

    Args:
        action: the one thing that it does.
        alert_id: the alert's, a UUID. Links of one alert and one action count as one, whoever was told.
        job_id: the job's, a UUID.
        run_id: the run's, a UUID; None if the alert is about none.
        to: whom the alert went to, by the name of the channel or the setting: `channel:ops`, `ALERT_URL`.
        expires_at: from when on it cannot be used, epoch seconds.
    """

    action: Action
    alert_id: str
    job_id: str
    run_id: str | None
    to: str
    expires_at: int


def signed(link: Link, secret: bytes) -> str:
    """Write a link as the token that stands in an address."""
    ids = (uuid.UUID(one).bytes for one in (link.alert_id, link.job_id, link.run_id or str(_NO_RUN)))
    said = _HEAD.pack(_LETTERS[link.action], link.expires_at, *ids) + link.to.encode()
    return urlsafe_b64encode(said + _mac(said, secret)).decode().rstrip("=")


def read(token: str, secrets: Sequence[bytes]) -> Link | None:
    """Read a token; None if no link of ours looks exactly like it.

    Args:
        token: as it stands in the address.
        secrets: those with which links may be signed.
    """
    said = _opened(token, secrets)
    if said is None:
        return None
    letter, expires_at, *ids = _HEAD.unpack_from(said)
    alert_id, job_id, run_id = (str(uuid.UUID(bytes=one)) for one in ids)
    to = said[_HEAD.size :].decode()
    return Link(_ACTIONS[letter], alert_id, job_id, None if run_id == str(_NO_RUN) else run_id, to, expires_at)


def _opened(token: str, secrets: Sequence[bytes]) -> bytes | None:
    """Return what a token says, if one of the secrets has signed it."""
    if len(token) > LONGEST or not token.isascii():
        return None
    try:
        data = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        return None
    # Some bits of the last character mean nothing; the decoder skips foreign characters. One spelling is enough.
    if urlsafe_b64encode(data).decode().rstrip("=") != token or len(data) <= _HEAD.size + _MAC_BYTES:
        return None
    said, mac = data[:-_MAC_BYTES], data[-_MAC_BYTES:]
    matches = [hmac.compare_digest(mac, _mac(said, secret)) for secret in secrets]
    return said if any(matches) else None


def _mac(said: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, said, hashlib.sha256)[:_MAC_BYTES]
