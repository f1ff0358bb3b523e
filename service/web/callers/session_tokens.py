"""Tokens of the console's sessions, which the cookie holds.

A token is a random text; Redis knows its digest alone. One of the root key is also signed with that key. So nothing in
Redis depends on the root key, a changed one ends its sessions, and a made-up token costs Redis nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from itsdangerous import BadSignature, Signer

from service.web.http.auth import ApiKeys

_LENGTH = 43
"""Characters of the random part: 32 bytes in base64url."""


@dataclass(frozen=True, slots=True)
class SessionToken:
    """A token whose form, and signature if it has one, is right.

    Args:
        session_id: a digest of its random part.
        is_root: whether a root key signed it.
    """

    session_id: str
    is_root: bool


class SessionTokens:
    """Makes and reads tokens.

    Args:
        root: the root keys.
    """

    def __init__(self, root: ApiKeys) -> None:
        self._signers = {digest: _signer(digest) for digest in root.digests}

    def new(self, root: bytes | None) -> str:
        """Draw a token.

        Args:
            root: the digest of the root key that opens the session; None for a stored key.
        """
        drawn = secrets.token_urlsafe(32)
        return drawn if root is None else self._signers[root].sign(drawn).decode()

    def read(self, token: str) -> SessionToken | None:
        """Read a token; None if none of ours looks like it."""
        drawn, is_root = token, "." in token
        if is_root:
            signed = (self._unsigned(signer, token) for signer in self._signers.values())
            drawn = next((text for text in signed if text is not None), "")
        if len(drawn) != _LENGTH or not drawn.isascii():
            return None
        return SessionToken(hashlib.sha256(drawn.encode()).hexdigest()[:32], is_root)

    @staticmethod
    def _unsigned(signer: Signer, token: str) -> str | None:
        try:
            return signer.unsign(token.encode("utf-8", "surrogatepass")).decode("ascii", "replace")
        except BadSignature:
            return None


def _signer(digest: bytes) -> Signer:
    return Signer(digest, salt="bot-scheduler console session", key_derivation="hmac", digest_method=hashlib.sha256)
