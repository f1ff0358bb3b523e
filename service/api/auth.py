"""Who may ask: the API key, by header; or the console's cookie."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable

import falcon

from service.api.protocols import Settings

OPEN_PATHS = frozenset({"/scheduler/health", "/openapi.json", "/docs"})
"""What is answered without a key."""

_GUARDED = "/scheduler"
METRICS = "/metrics"
"""Guarded too; what reads metrics sends its key as a bearer's."""


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


class RequireKey:
    """Falcon middleware: everything under `/scheduler`, and `/metrics`, needs the key, but for `OPEN_PATHS`.

    Args:
        keys: the keys.
        signed_in: whether a request without a key comes from one of the console's own pages, signed in; asked under
            `/scheduler` alone.
    """

    def __init__(self, keys: ApiKeys, signed_in: Callable[[falcon.Request], bool] = lambda _: False) -> None:
        self._keys = keys
        self._signed_in = signed_in

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Refuse a request without a valid key.

        Raises:
            falcon.HTTPUnauthorized: the header is missing, or is none of the keys.
        """
        path = req.path
        if path in OPEN_PATHS or not (path in (_GUARDED, METRICS) or path.startswith(_GUARDED + "/")):
            return
        given = req.env.get("HTTP_X_API_KEY")
        if given is None and path == METRICS:
            given = _bearer(req.env.get("HTTP_AUTHORIZATION", ""))
        if given is None and path != METRICS and self._signed_in(req):
            return
        if given is None:
            raise _unauthorized("An API key is needed: send it in the X-API-Key header")
        if not self._keys.accept(header_bytes(given)):
            raise _unauthorized("The API key in the X-API-Key header is not valid")


def _bearer(authorization: str) -> str | None:
    """The key in `Authorization: Bearer …` (RFC 6750)."""
    scheme, _, token = authorization.partition(" ")
    return token.strip(" \t") if scheme.lower() == "bearer" else None


def _unauthorized(sentence: str) -> falcon.HTTPUnauthorized:
    return falcon.HTTPUnauthorized(description=sentence, challenges=['ApiKey realm="scheduler"'])
