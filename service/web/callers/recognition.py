"""Recognition of callers: the root key is compared first, then stored keys and sessions are looked up."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Protocol

from falcon.asgi import Request

from service.domain.access.callers import Caller, act_for
from service.domain.access.key_texts import PREFIX, SentKey, is_mistyped, parse_key
from service.domain.access.limits import NO_LIMITS
from service.domain.access.scopes import ALL, Scope
from service.domain.timestamps import format_ms
from service.errors import StoreUnavailable
from service.interleaving import interleaved
from service.store.access.key_store import Lapse, Standing
from service.store.access.session_store import ROOT, SessionStore
from service.web.callers.lookups import Lookups, Proof
from service.web.callers.session_tokens import SessionToken, SessionTokens
from service.web.http.auth import ApiKeys
from service.web.http.sessions import session_cookies

MOST_COOKIES = 3
"""Cookies of our name that are looked at: each may cost a look-up."""
_PREFIX = PREFIX.encode()


class FindsKeys(Protocol):
    """Looks stored keys up."""

    def find(self, sent: SentKey, address: str) -> Standing | None:
        """Find what a sent key may do; None if it is not accepted."""

    def lapse(self, sent: SentKey) -> Lapse | None:
        """Tell since when a refused key is refused that was accepted once; None if it never was."""


class Callers:
    """Tells who sent a request, and signs people in and out.

    Args:
        root: the root keys.
        keys: the stored keys.
        sessions: the console's sessions.
        lookups: what this process has looked up lately.
        address_of: tells from which address a request came, behind trusted proxies too.
    """

    def __init__(
        self, root: ApiKeys, keys: FindsKeys, sessions: SessionStore, lookups: Lookups,
        address_of: Callable[[Request], str] = lambda req: str(req.remote_addr),
    ) -> None:  # fmt: skip
        self._root = root
        self._keys = keys
        self._sessions = sessions
        self._lookups = lookups
        self._tokens = SessionTokens(root)
        self._address_of = address_of

    async def by_key(self, given: bytes, req: Request) -> Caller | None:
        """Return who sends a key; None if it is not accepted.

        The root key needs no Redis, and neither does a text that cannot be a key.

        Args:
            given: the key as it was sent.
            req: the request that brings it.

        Raises:
            StoreUnavailable: Redis is away, so that a stored key cannot be looked up.
        """
        address = self._address_of(req)
        if self._root.recognise(given) is not None:
            return Caller(ROOT, ROOT, ALL, NO_LIMITS, None, address)
        if not given.startswith(_PREFIX):
            return None
        digest = hashlib.sha256(given).digest()
        proof = self._lookups.proof(digest)
        if proof is None:
            sent = parse_key(given.decode("latin-1"))
            if sent is None:
                return None
            proof = Proof(digest, partial(self._keys.find, sent, address))
        return await self._caller(req, proof)

    async def lapsed(self, given: bytes) -> str | None:
        """Return the sentence for somebody who sends a key that was accepted once; None for any other.

        Only who holds the secret is told, and an ended key opens nothing. A revoked one is known for 30 days.

        Args:
            given: the refused key, as it was sent.
        """
        sent = parse_key(given.decode("latin-1")) if given.startswith(_PREFIX) else None
        try:
            lapse = None if sent is None else await interleaved(self._keys.lapse, sent)
        except StoreUnavailable:
            return None
        if lapse is None:
            return None
        at = f"{format_ms(lapse.at).replace('T', ' ')} UTC"
        if lapse.reason != "replaced":
            return f"This key {'expired' if lapse.reason == 'expired' else 'was revoked'} on {at}"
        return f"This key was rotated; its former secret was accepted until {at}"

    async def by_token(self, token: str, req: Request) -> Caller | None:
        """Return whose key stands in an address; None if it is not accepted. The root key never is.

        Args:
            token: the key, as it stands there.
            req: the request that brings it.

        Raises:
            StoreUnavailable: Redis is away.
        """
        if parse_key(token) is None:
            return None
        who = await self.by_key(token.encode(), req)
        return None if who is None or who.actor == ROOT else who

    async def by_session(self, req: Request) -> Caller | None:
        """Return who is signed in; None for nobody.

        Raises:
            StoreUnavailable: Redis is away, so that the session cannot be looked up.
        """
        address = self._address_of(req)
        for text, token in self._read(req):
            digest = hashlib.sha256(text.encode()).digest()
            find = partial(self._sessions.find, token.session_id, token.is_root, address)
            who = await self._caller(req, Proof(digest, find))
            if who is not None:
                return who
        return None

    async def _caller(self, req: Request, proof: Proof) -> Caller | None:
        found = await self._lookups.find(proof)
        if found is None:
            return None
        req.context.proof = proof
        return Caller(
            found.key_id, found.name, found.scopes, found.limits, found.session, self._address_of(req), found.job_id
        )

    async def sign_in(self, given: bytes, req: Request) -> str | None:
        """Open a session. From now on, the request's caller is who has signed in.

        Args:
            given: a key.
            req: the request that brings it.

        Returns:
            The session's token; None if the key is not accepted.

        Raises:
            Forbidden: the key lacks the scope `read`, without which there is nothing to see.
            StoreUnavailable: Redis is away.
        """
        who = await self.by_key(given, req)
        if who is None:
            return None
        who.require(Scope.READ)
        act_for(who)
        sent = None if who.actor == ROOT else parse_key(given.decode("latin-1"))
        token = self._tokens.new(self._root.recognise(given) if sent is None else None)
        read = self._tokens.read(token)
        assert read is not None
        secret = "" if sent is None else sent.digest
        agent = req.get_header("User-Agent") or ""
        address = self._address_of(req)
        is_open = await interleaved(self._sessions.open, read.session_id, who.actor, secret, address, agent)
        return token if is_open else None

    async def sign_out(self, req: Request) -> None:
        """End the request's sessions.

        Raises:
            StoreUnavailable: Redis is away.
        """
        who = await self.by_session(req)
        if who is not None and who.session is not None:
            act_for(who)
            await interleaved(self._sessions.end, who.session, who.actor)
            self._lookups.forget()

    def _read(self, req: Request) -> list[tuple[str, SessionToken]]:
        """Read the request's first tokens, most often one; leave out what cannot be one."""
        read = [(text, self._tokens.read(text)) for text in session_cookies(req)[:MOST_COOKIES]]
        return [(text, token) for text, token in read if token is not None]


def looks_mistyped(given: bytes) -> bool:
    """Tell whether somebody has mistyped or cut a stored key."""
    return is_mistyped(given.decode("latin-1"))
