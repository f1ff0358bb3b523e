"""Guard of all resources: the one place that decides who may ask, for the API, the console and mounted applications."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from urllib.parse import quote

import falcon
from falcon.asgi import Request, Response

from service.interleaving import interleaved
from service.web.http import sessions
from service.web.http.access import BY_KEY, Access, Proof, access_of
from service.web.http.auth import ApiKeys, header_bytes
from service.web.http.paths import is_plain
from service.web.http.refusals import Refusals
from service.web.http.sessions import Sessions

_LOOKS = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing."""

LONGEST_WAY_BACK = 1000
"""The longest address, in characters, to which signing in leads back. Quoting can make it three times as long."""


class Guard:
    """Falcon middleware that lets requests through as each resource declares (`service.web.http.access`).

    Falcon tells it which resource it has matched, so that no spelling of a path leads past it. A path that matches no
    route has no resource, and gets Falcon's own 404.

    Args:
        keys: the API keys.
        known: the console's sessions.
        sign_in: the path where people sign in; None if there is no console.
        refusals: counts wrong keys.
    """

    def __init__(
        self, keys: ApiKeys, known: Sessions, sign_in: str | None = None, refusals: Refusals | None = None
    ) -> None:
        self._keys = keys
        self._sessions = known
        self._sign_in = sign_in
        self._refusals = refusals or Refusals()
        self._shown: dict[Proof, Callable[[Request], bool]] = {
            Proof.KEY: lambda req: self._is_key(req.get_header("X-API-Key")),
            Proof.BEARER: lambda req: self._is_key(_credentials(req, "bearer")),
            Proof.PASSWORD: lambda req: self._keys.accept(_password(_credentials(req, "basic"))),
            Proof.OWN_PAGE: known.may_change,
            Proof.SESSION: known.signed_in,
        }

    async def process_request(self, req: Request, resp: Response) -> None:
        """Check the spelling of the path, before Falcon looks for a route.

        Raises:
            falcon.HTTPNotFound: the path is not in the accepted spelling.
        """
        if not is_plain(req.scope):
            raise falcon.HTTPNotFound()

    async def process_resource(self, req: Request, resp: Response, resource: object, params: dict[str, str]) -> None:
        """Refuse a request without a proof. Renew the session of a request with one.

        Args:
            req: the request.
            resp: its answer.
            resource: the resource that Falcon has matched.
            params: the parameters in the path.

        Raises:
            falcon.HTTPUnauthorized: no proof, asked by a program.
            falcon.HTTPSeeOther: no proof, asked by a person, who signs in first.
            falcon.HTTPForbidden: another site's page sent the request.
        """
        access = access_of(resource)
        if access.own_pages_change and req.method not in _LOOKS and not sessions.is_same_origin(req):
            raise falcon.HTTPForbidden(
                description="The request did not come from a page of this console (no matching Origin)"
            )
        if access.is_open:
            return
        if not self._may_ask(req, access):
            if _brings_key(req, access):
                self._refusals.note(req.remote_addr)
            raise self._refusal(req, access)
        if self._refusals.is_unsettled:
            await interleaved(self._refusals.settle)
        if Proof.SESSION in access.proofs:
            self._renew(req, resp)

    def _may_ask(self, req: Request, access: Access) -> bool:
        if Proof.KEY in access.proofs and req.get_header("X-API-Key") is not None:
            return self._shown[Proof.KEY](req)  # no other proof makes up for a wrong key
        return any(self._shown[proof](req) for proof in access.proofs)

    def _is_key(self, given: str | None) -> bool:
        return given is not None and self._keys.accept(header_bytes(given))

    def _refusal(self, req: Request, access: Access) -> falcon.HTTPError | falcon.HTTPStatus:
        if Proof.KEY in access.proofs:
            return _key_needed(req, access)
        if self._sign_in is not None and (Proof.PASSWORD not in access.proofs or _is_person(req)):
            here = req.relative_uri if req.method in _LOOKS else "/"
            way_back = f"?next={quote(here, safe='/')}" if len(here) <= LONGEST_WAY_BACK else ""
            return falcon.HTTPSeeOther(self._sign_in + way_back)
        return falcon.HTTPUnauthorized(
            description="Enter the API key as the password; the user name does not matter",
            challenges=['Basic realm="Bot Scheduler: the API key is the password", charset="UTF-8"'],
        )

    def _renew(self, req: Request, resp: Response) -> None:
        token = self._sessions.token(req)
        renewed = None if token is None else self._sessions.renewed(token)
        if renewed is not None:
            sessions.set_cookie(req, resp, renewed)


class Nothing:
    """Resource for paths without a route: 404 with the key, 401 without, so that strangers learn no paths."""

    access = BY_KEY

    async def on_request(self, req: Request, resp: Response, **rest: str) -> None:
        """Answer 404, whatever the method."""
        raise falcon.HTTPNotFound()

    on_options = on_request


def _key_needed(req: Request, access: Access) -> falcon.HTTPUnauthorized:
    sentence = (
        "The API key in the X-API-Key header is not valid"
        if _brings_key(req, access)
        else "An API key is required: send it in the X-API-Key header"
    )
    return falcon.HTTPUnauthorized(description=sentence, challenges=['ApiKey realm="scheduler"'])


def _brings_key(req: Request, access: Access) -> bool:
    """Tell whether the request brings a key in a way that the resource accepts."""
    return (
        (Proof.KEY in access.proofs and req.get_header("X-API-Key") is not None)
        or (Proof.BEARER in access.proofs and _credentials(req, "bearer") is not None)
        or (Proof.PASSWORD in access.proofs and _credentials(req, "basic") is not None)
    )


def _is_person(req: Request) -> bool:
    """Tell whether a browser asks that has sent no password."""
    return req.get_header("Authorization") is None and "text/html" in (req.get_header("Accept") or "")


def _credentials(req: Request, scheme: str) -> str | None:
    """Return the credentials in `Authorization`; None if it has another scheme."""
    found, _, credentials = (req.get_header("Authorization") or "").partition(" ")
    return credentials.strip(" \t") if found.lower() == scheme else None


def _password(credentials: str | None) -> bytes:
    if credentials is None:
        return b""
    try:
        decoded = base64.b64decode(header_bytes(credentials), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return decoded.partition(b":")[2].strip(b" \t")
