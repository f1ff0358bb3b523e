"""Seal: what stands for an erased person, so that they can be recognised and not be named.

A contact's id and its identities are digests of a name, an address, a birthday. Whoever guesses these can compute the
digest, and so find out that somebody was here. A sealed one is an HMAC (RFC 2104) under a random key of the
installation: without that key, nobody can compute it. It is the same each time, so that a person who comes back is
recognised, and not greeted twice.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

MARK = "~"
"""Stands after the letter of a sealed identity; no other identity has one."""
_KEY_BYTES, _DIGEST_BYTES = 32, 18


def new_key() -> str:
    """Make a key by chance."""
    return secrets.token_hex(_KEY_BYTES)


@dataclass(frozen=True, slots=True)
class Seal:
    """The seal of an installation.

    Args:
        key: see `new_key`.
    """

    key: str = field(repr=False)

    def identity(self, identity: str) -> str:
        """Seal an identity; its letter stays, since the rules ask for it. A sealed one stays as it is."""
        if is_sealed(identity):
            return identity
        digest = self._digest(f"identity:{identity}")[:_DIGEST_BYTES]
        return f"{identity[0]}{MARK}{urlsafe_b64encode(digest).decode()}"

    def identities(self, identities: Sequence[str]) -> tuple[str, ...]:
        """Seal several identities."""
        return tuple(dict.fromkeys(map(self.identity, identities)))

    def contact_id(self, contact_id: str) -> str:
        """Seal a contact's id; the result is the id of a contact, too."""
        return str(UUID(bytes=self._digest(f"contact:{contact_id}")[:16], version=4))

    def _digest(self, text: str) -> bytes:
        return hmac.digest(self.key.encode(), text.encode(), "sha256")


def is_sealed(identity: str) -> bool:
    """Return whether an identity is a sealed one."""
    return identity[1:2] == MARK
