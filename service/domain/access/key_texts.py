"""Texts of stored keys: `bsk_<id>_<secret><checksum>`, all in base62.

The prefix lets secret scanners find a key. The checksum, CRC-32 of all before it, tells a mistyped key from a wrong one
without asking Redis. The secret has 256 bits of chance, so a plain SHA-256 of it can be stored: nobody can guess back.
GitHub's tokens have the same form (https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/).
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib
from dataclasses import dataclass

PREFIX = "bsk_"
"""The start of every stored key, and of none of the root keys that we make."""
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
ID_LENGTH, SECRET_LENGTH, CHECKSUM_LENGTH = 10, 43, 6
"""Characters of each part. 62⁴³ is just over 2²⁵⁶, and 62⁶ over 2³²."""

_ID = re.compile(f"[0-9A-Za-z]{{{ID_LENGTH}}}")
_FORM = re.compile(f"({PREFIX}({_ID.pattern})_([0-9A-Za-z]{{{SECRET_LENGTH}}}))([0-9A-Za-z]{{{CHECKSUM_LENGTH}}})")


@dataclass(frozen=True, slots=True)
class SentKey:
    """A key that somebody has sent, in the form that stored keys have.

    Args:
        id: of the stored key that it claims to be.
        digest: the SHA-256 of its secret, hexadecimal.
    """

    id: str
    digest: str


def is_key_id(text: object) -> bool:
    """Return whether `text` is the id of a stored key in form."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def new_id() -> str:
    """Draw the id of a new key."""
    return _drawn(ID_LENGTH)


def new_text(key_id: str) -> str:
    """Draw a secret for a key. Returns the key's whole text, which nobody stores."""
    body = f"{PREFIX}{key_id}_{_drawn(SECRET_LENGTH)}"
    return body + _checksum(body)


def parse_key(text: str) -> SentKey | None:
    """Parse a key's text; None if it is not one, or mistyped."""
    found = _FORM.fullmatch(text)
    if found is None or _checksum(found[1]) != found[4]:
        return None
    return SentKey(found[2], hashlib.sha256(found[3].encode()).hexdigest())


def is_mistyped(text: str) -> bool:
    """Return whether `text` begins as a stored key does, and cannot be one."""
    return text.startswith(PREFIX) and parse_key(text) is None


def _drawn(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _checksum(text: str) -> str:
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits
