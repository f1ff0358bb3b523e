"""The API keys."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from service.settings import Settings


class ApiKeys:
    """The keys that are accepted: the present one and, while it is being replaced, the previous one.

    Args:
        keys: the keys as configured; empty ones are never accepted.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        # A header's value never begins or ends with a blank, so neither can a key that is to be matched by one.
        stripped = (key.encode("utf-8", "surrogateescape").strip(b" \t") for key in keys)
        self._digests = tuple(_digest(key) for key in stripped if key)

    @classmethod
    def of(cls, settings: Settings) -> ApiKeys:
        """The keys of the settings `API_KEY` and `API_KEY_PREVIOUS`."""
        secrets = (settings.api_key, settings.api_key_previous)
        return cls(secret.get_secret_value() for secret in secrets if secret is not None)

    @property
    def digests(self) -> tuple[bytes, ...]:
        """What is kept of the keys."""
        return self._digests

    def accept(self, given: bytes) -> bool:
        """Whether `given` is one of the keys; takes the same time whatever it is."""
        return self.recognise(given) is not None

    def recognise(self, given: bytes) -> bytes | None:
        """The digest of the key that `given` is, or None; takes the same time whatever it is."""
        digest = _digest(given)
        matches = [hmac.compare_digest(digest, known) for known in self._digests]
        return digest if any(matches) else None


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


def header_bytes(value: str) -> bytes:
    """The bytes of a header as they came: WSGI hands them over as Latin-1, whatever they are."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")
