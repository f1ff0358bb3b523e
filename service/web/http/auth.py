"""API keys: `API_KEY` and `API_KEY_PREVIOUS`, and the comparison with them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from service.settings import Settings


class ApiKeys:
    """The accepted keys: the current one and, while it is being replaced, the previous one.

    Args:
        keys: the keys as configured. Empty keys are never accepted.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        # A header's value never begins or ends with a blank, so a key must not either.
        stripped = (key.encode("utf-8", "surrogateescape").strip(b" \t") for key in keys)
        self._digests = tuple(_digest(key) for key in stripped if key)

    @classmethod
    def of(cls, settings: Settings) -> ApiKeys:
        """Read the keys from the settings."""
        secrets = (settings.api_key, settings.api_key_previous)
        return cls(secret.get_secret_value() for secret in secrets if secret is not None)

    @property
    def digests(self) -> tuple[bytes, ...]:
        """The keys' digests; the keys themselves are not kept."""
        return self._digests

    def recognise(self, given: bytes) -> bytes | None:
        """Return the digest of the key that equals `given`, or None, in constant time."""
        digest = _digest(given)
        matches = [hmac.compare_digest(digest, known) for known in self._digests]
        return digest if any(matches) else None


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


def header_bytes(value: str) -> bytes:
    """Return a header's bytes as they came. Falcon decodes them as Latin-1, whatever they are."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")
