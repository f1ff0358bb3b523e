"""Guard of all resources: the one place that decides who may ask, for the API, the console and mounted applications."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

import falcon
from falcon.asgi import Request, Response

from service.domain.access.callers import Caller, act_for
from service.errors import Forbidden
from service.web.callers.recognition import Callers, looks_mistyped
from service.web.callers.sent_keys import names_key_header, sent_key, sent_password
from service.web.http import sessions
from service.web.http.access import BY_KEY, Access, Proof, access_of
from service.web.http.paths import is_plain
from service.web.http.throttling.guesses import Guesses
from service.web.refused_scopes import RefusalNotes

_LOOKS = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing."""

LONGEST_WAY_BACK = 1000
"""The longest address, in characters, to which signing in leads back. Quoting can make it three times as long."""


class Guard:
    """Falcon middleware that lets requests through as each resource declares (`service.web.http.access`).

    Falcon tells it which resource it has matched, so that no spelling of a path leads past it. A path that matches no
    route has no resource, and gets Falcon's own 404.

    It sets the caller of the request, on whose behalf all that follows runs.

    Args:
        callers: tells who sent a request.
        sign_in: the path where people sign in; None if there is no console.
        guesses: counts wrong keys, and slows their answers down.
        refusal_notes: notes requests that lacked a scope; None for nowhere.
    """

    def __init__(
        self, callers: Callers, sign_in: str | None = None, guesses: Guesses | None = None,
        refusal_notes: RefusalNotes | None = None,
    ) -> None:  # fmt: skip
        self._callers = callers
        self._refusal_notes = refusal_notes
        self._sign_in = sign_in
        self._guesses = guesses or Guesses()

    async def process_request(self, req: Request, resp: Response) -> None:
        """Check the spelling of the path, before Falcon looks for a route.

        Raises:
            falcon.HTTPNotFound: the path is not in the accepted spelling.
        """
        if not is_plain(req.scope):
            raise falcon.HTTPNotFound()

    async def process_resource(self, req: Request, resp: Response, resource: object, params: dict[str, str]) -> None:
        """Refuse a request without a proof, or without the scope.

        Args:
            req: the request.
            resp: its answer.
            resource: the resource that Falcon has matched.
            params: the parameters in the path.

        Raises:
            falcon.HTTPUnauthorized: no proof, asked by a program.
            falcon.HTTPSeeOther: no proof, asked by a person, who signs in first.
            falcon.HTTPForbidden: another site's page sent the request.
            Forbidden: the key lacks the scope.
            StoreUnavailable: Redis is away, so that a stored key or a session cannot be looked up.
            falcon.HTTPTooManyRequests: the sender guesses keys, and `GUESS_LIMIT` is set.
        """
        access = access_of(resource)
        if access.own_pages_change and req.method not in _LOOKS and not sessions.is_same_origin(req):
            raise falcon.HTTPForbidden(
                description="The request did not come from a page of this console (no matching Origin)"
            )
        if access.is_open:
            return
        who = await self._caller(req, access, params)
        if who is None:
            ended = None
            if _brings_key(req, access):
                await self._guesses.refuse(req)
                ended = await self._callers.lapsed(_key_of(req, access, params))
            raise self._refusal(req, access, ended)
        act_for(who)
        self._require(who, access, req)

    def _require(self, who: Caller, access: Access, req: Request) -> None:
        """Refuse a caller who may not use a method here, and note that for the audit log."""
        try:
            access.require(who, req.method)
        except Forbidden:
            if self._refusal_notes is not None:
                self._refusal_notes.note(who, req.method, req.uri_template or "")
            raise

    async def _caller(self, req: Request, access: Access, params: Mapping[str, str]) -> Caller | None:
        """Return who asks, by the first proof that the resource accepts; None without one."""
        if access.is_by_address:
            return await self._callers.by_token(params["token"], req)
        if Proof.KEY in access.proofs and (key := sent_key(req)) is not None:
            who = await self._callers.by_key(key, req)
            if who is not None or names_key_header(req):
                return who  # no other proof makes up for a wrong key
        if Proof.PASSWORD in access.proofs and (password := sent_password(req)) is not None:
            who = await self._callers.by_key(password, req)
            if who is not None:
                return who
        if Proof.SESSION in access.proofs or (Proof.OWN_PAGE in access.proofs and sessions.is_same_origin(req)):
            return await self._callers.by_session(req)
        return None

    def _refusal(self, req: Request, access: Access, ended: str | None) -> falcon.HTTPError | falcon.HTTPStatus:
        """Make the refusal of a request without a proof. `ended`: the sentence about a key that was accepted once."""
        if access.is_by_address:
            return _unauthorised(ended or "The key in this address is not valid")
        if Proof.PASSWORD not in access.proofs and Proof.KEY in access.proofs:
            return _key_needed(req) if ended is None else _unauthorised(ended)
        if self._sign_in is not None and (Proof.PASSWORD not in access.proofs or _is_person(req)):
            here = req.relative_uri if req.method in _LOOKS else "/"
            way_back = f"?next={quote(here, safe='/')}" if len(here) <= LONGEST_WAY_BACK else ""
            return falcon.HTTPSeeOther(self._sign_in + way_back)
        return falcon.HTTPUnauthorized(
            description="Enter the API key as the password; the user name does not matter",
            challenges=['Basic realm="Bot Scheduler: the API key is the password", charset="UTF-8"'],
        )


class Nothing:
    """Resource for paths without a route: 404 with the key, 401 without, so that strangers learn no paths."""

    access = BY_KEY.needing(request=None)

    async def on_request(self, req: Request, resp: Response, **rest: str) -> None:
        """Answer 404, whatever the method."""
        raise falcon.HTTPNotFound()

    on_options = on_request


def _key_needed(req: Request) -> falcon.HTTPUnauthorized:
    key = sent_key(req)
    if key is None:
        sentence = "An API key is required: send it in the X-API-Key header"
    elif looks_mistyped(key):
        sentence = "The API key in the X-API-Key header is mistyped or incomplete: its checksum does not match"
    else:
        sentence = "The API key in the X-API-Key header is not valid"
    return _unauthorised(sentence)


def _unauthorised(sentence: str) -> falcon.HTTPUnauthorized:
    return falcon.HTTPUnauthorized(description=sentence, challenges=['ApiKey realm="scheduler"'])


def _brings_key(req: Request, access: Access) -> bool:
    """Tell whether the request brings a key in a way that the resource accepts."""
    return (
        access.is_by_address
        or (Proof.KEY in access.proofs and sent_key(req) is not None)
        or (Proof.PASSWORD in access.proofs and sent_password(req) is not None)
    )


def _key_of(req: Request, access: Access, params: Mapping[str, str]) -> bytes:
    """Return the key that the request brings; empty for none."""
    return params["token"].encode() if access.is_by_address else sent_key(req) or sent_password(req) or b""


def _is_person(req: Request) -> bool:
    """Tell whether a browser asks that has sent no password and no key."""
    return (
        sent_key(req) is None
        and req.get_header("Authorization") is None
        and "text/html" in (req.get_header("Accept") or "")
    )
