"""Declarations of access: who may ask a resource.

A resource declares it on its own class, `access = BY_KEY`. It does not inherit its base class' declaration, so that no
parent opens it. `service.web.http.guard` decides by these declarations alone.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Proof(enum.Enum):
    """A proof that somebody may ask."""

    KEY = enum.auto()
    """The API key, in `X-API-Key`."""
    BEARER = enum.auto()
    """The API key, as `Authorization: Bearer` (RFC 6750)."""
    PASSWORD = enum.auto()
    """The API key, as the password of `Authorization: Basic` (RFC 7617)."""
    OWN_PAGE = enum.auto()
    """A session's cookie, with the Origin of one of the console's pages."""
    SESSION = enum.auto()
    """A session's cookie, wherever the request comes from."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may ask a resource.

    Args:
        proofs: any one of them is enough. If empty, the resource is open to all.
        own_pages_change: whether only the console's own pages may send requests that change something.
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
"""For machines that know only bearer tokens."""
BY_SESSION = Access(frozenset({Proof.SESSION}), own_pages_change=True)
"""The console's pages."""
OPEN_PAGE = Access(frozenset(), own_pages_change=True)
"""Pages for people who are not signed in."""
BY_PASSWORD_OR_SESSION = Access(frozenset({Proof.PASSWORD, Proof.SESSION}))
"""For people and programs, where nothing can be changed."""


class Undeclared(TypeError):
    """A route that nothing would guard. It stops the start of the process."""


def access_of(resource: object) -> Access:
    """Return the declaration of the resource's own class.

    Raises:
        Undeclared: the class declares nothing.
    """
    found = vars(type(resource)).get("access")
    if not isinstance(found, Access):
        raise Undeclared(f"{type(resource).__qualname__} does not declare who may ask it: give that class `access`")
    return found


def require_declaration(route: str, resource: object) -> None:
    """Refuse a resource that the guard cannot judge.

    Args:
        route: its path, for the message.
        resource: answers requests there.

    Raises:
        Undeclared: the class declares nothing, or the resource can be false. Falcon shows its middleware only
            resources that are true.
    """
    try:
        access_of(resource)
    except Undeclared as error:
        raise Undeclared(f"The route {route} cannot be served: {error}") from None
    if hasattr(type(resource), "__bool__") or hasattr(type(resource), "__len__"):
        kind = type(resource).__qualname__
        raise Undeclared(f"The route {route} cannot be served: {kind} may be false, and would then pass unguarded")
