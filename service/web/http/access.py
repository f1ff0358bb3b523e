"""Who may ask: what each resource declares about itself, and how a declaration is found.

A resource declares it on its own class, `access = BY_KEY`; what a base class declares is not inherited, so that no
resource is opened by its parent. `service.web.http.guard` goes by this and by nothing else.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Proof(enum.Enum):
    """What shows that somebody may ask."""

    KEY = enum.auto()
    """The API key, in `X-API-Key`."""
    BEARER = enum.auto()
    """The API key, as `Authorization: Bearer` (RFC 6750)."""
    PASSWORD = enum.auto()
    """The API key, as the password of `Authorization: Basic` (RFC 7617)."""
    OWN_PAGE = enum.auto()
    """A session's cookie, with the Origin of one of our own pages."""
    SESSION = enum.auto()
    """A session's cookie, wherever the request comes from."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may ask a resource.

    Args:
        proofs: any one of them is enough; without any, the resource is open to all.
        own_pages_change: whether only our own pages may send what is meant to change something.
    """

    proofs: frozenset[Proof]
    own_pages_change: bool = False

    @property
    def is_open(self) -> bool:
        """Whether anybody may ask."""
        return not self.proofs


OPEN = Access(frozenset())
"""Anybody."""
BY_KEY = Access(frozenset({Proof.KEY, Proof.OWN_PAGE}))
"""The API."""
BY_KEY_OR_BEARER = Access(frozenset({Proof.KEY, Proof.BEARER}))
"""What machines read that know bearer tokens only."""
BY_SESSION = Access(frozenset({Proof.SESSION}), own_pages_change=True)
"""The console's pages."""
OPEN_PAGE = Access(frozenset(), own_pages_change=True)
"""Pages for people who are not signed in."""
BY_PASSWORD_OR_SESSION = Access(frozenset({Proof.PASSWORD, Proof.SESSION}))
"""What only shows something, to people and to programs."""


class Undeclared(TypeError):
    """A route that nobody would guard. It stops the start."""


def access_of(resource: object) -> Access:
    """What the resource's own class declares.

    Raises:
        Undeclared: nothing.
    """
    found = vars(type(resource)).get("access")
    if not isinstance(found, Access):
        raise Undeclared(f"{type(resource).__qualname__} does not declare who may ask it: give that class `access`")
    return found


def require_declaration(route: str, resource: object) -> None:
    """Refuse a resource that the guard could not judge.

    Args:
        route: its address, for the sentence.

    Raises:
        Undeclared: its class declares nothing, or it may be false: Falcon shows its middleware only resources that
            are true.
    """
    try:
        access_of(resource)
    except Undeclared as error:
        raise Undeclared(f"The route {route} cannot be served: {error}") from None
    if hasattr(type(resource), "__bool__") or hasattr(type(resource), "__len__"):
        kind = type(resource).__qualname__
        raise Undeclared(f"The route {route} cannot be served: {kind} may be false, and would then pass unguarded")
