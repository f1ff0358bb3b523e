"""Declarations of access: who may ask a resource, and which scope each of its methods needs.

A resource declares it on its own class, `access = BY_KEY.needing(get=Scope.READ)`. It does not inherit its base class'
declaration, so that no parent opens it. `service.web.http.guard` decides by these declarations alone.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import falcon

from service.domain.access.callers import Caller
from service.domain.access.scopes import Scope
from service.errors import Forbidden

ANY_METHOD = "request"
"""The method under which a resource that answers whatever method declares its scope, as its responder is named."""
_RESPONDERS = {f"on_{method.lower()}" for method in falcon.COMBINED_METHODS} | {f"on_{ANY_METHOD}"}
_IMPLIED = {"on_head", "on_options"}
"""HEAD needs what GET does. OPTIONS needs a key, and no scope."""


Needed = Scope | tuple[Scope, ...] | None
"""The scope that a method needs; several, where one of them will do and the use case asks further; None for any key."""


class Proof(enum.Enum):
    """A proof that somebody may ask."""

    KEY = enum.auto()
    """An API key, in `X-API-Key` or as `Authorization: Bearer` (RFC 6750)."""
    PASSWORD = enum.auto()
    """An API key, as the password of `Authorization: Basic` (RFC 7617)."""
    OWN_PAGE = enum.auto()
    """A session's cookie, with the Origin of one of the console's pages."""
    SESSION = enum.auto()
    """A session's cookie, wherever the request comes from."""
    TOKEN = enum.auto()
    """A stored key in the address, which may do this one thing alone: addresses are not kept as secret as keys."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may ask a resource.

    Args:
        proofs: any one of them is enough. If empty, the resource is open to all.
        own_pages_change: whether only the console's own pages may send requests that change something.
        scopes: method, lower case -> what it needs.
        unlimited: whether a key that is limited to some jobs is refused.
        any_parameters: whether query parameters are passed over that the operation does not take.
    """

    proofs: frozenset[Proof]
    own_pages_change: bool = False
    scopes: Mapping[str, Needed] = field(default_factory=lambda: MappingProxyType({}))
    unlimited: bool = False
    any_parameters: bool = False

    @property
    def is_open(self) -> bool:
        """Whether anybody may ask."""
        return not self.proofs

    @property
    def is_by_address(self) -> bool:
        """Whether the proof stands in the address, which must then be told to nobody."""
        return Proof.TOKEN in self.proofs

    @property
    def is_private_page(self) -> bool:
        """Whether it shows people what they may see after signing in."""
        return self.own_pages_change and not self.is_open

    def needing(self, **scopes: Needed) -> Access:
        """Declare what each method needs."""
        return replace(self, scopes=MappingProxyType(scopes))

    def without_limits(self) -> Access:
        """Declare that a key that is limited to some jobs is refused."""
        return replace(self, unlimited=True)

    def with_known_parameters(self) -> Access:
        """Declare that a query parameter is refused that the operation does not take."""
        return replace(self, any_parameters=False)

    def scopes_of(self, method: str) -> tuple[Scope, ...]:
        """Return the scopes of which a method, upper case, needs one; none where any key will do."""
        name = "get" if method == "HEAD" else method.lower()
        return several(self.scopes.get(name, self.scopes.get(ANY_METHOD)))

    def require(self, who: Caller, method: str) -> None:
        """Refuse a caller who may not use a method here.

        Raises:
            Forbidden: it lacks the scope, or it is limited to some jobs.
        """
        if scopes := self.scopes_of(method):
            who.require_one(*scopes)
        if self.is_by_address and len(who.scopes) > 1:
            raise Forbidden("A key in an address must have one scope alone; this key may do more")
        if self.unlimited and not who.limits.are_none:
            raise Forbidden("This key is limited to some jobs; this needs a key without limits")


OPEN = Access(frozenset(), any_parameters=True)
"""Anybody."""
BY_KEY = Access(frozenset({Proof.KEY, Proof.OWN_PAGE}))
"""The API."""
BY_SENT_KEY = Access(frozenset({Proof.KEY}))
"""For programs alone."""
BY_SESSION = Access(frozenset({Proof.SESSION}), own_pages_change=True)
"""The console's pages."""
BY_TOKEN = Access(frozenset({Proof.TOKEN}), any_parameters=True)
"""For programs that can send nothing but an address, such as calendars."""
OPEN_PAGE = Access(frozenset(), own_pages_change=True, any_parameters=True)
"""Pages for people who are not signed in."""
BY_KEY_OR_SESSION = Access(frozenset({Proof.KEY, Proof.PASSWORD, Proof.SESSION}))
"""For people and programs, where nothing can be changed."""


def several(needed: Needed) -> tuple[Scope, ...]:
    """Return the scopes of which one will do; none where any key will do."""
    return needed if isinstance(needed, tuple) else () if needed is None else (needed,)


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
        Undeclared: the class declares nothing, or not for each of its methods, or the resource can be false. Falcon
            shows its middleware only resources that are true.
    """
    try:
        _require_scopes(resource, access_of(resource))
    except Undeclared as error:
        raise Undeclared(f"The route {route} cannot be served: {error}") from None
    if hasattr(type(resource), "__bool__") or hasattr(type(resource), "__len__"):
        kind = type(resource).__qualname__
        raise Undeclared(f"The route {route} cannot be served: {kind} may be false, and would then pass unguarded")


def _require_scopes(resource: object, access: Access) -> None:
    """Require that a resource that needs a proof declares a scope for each method that it answers, and for no other."""
    kind = type(resource).__qualname__
    answered = {} if access.is_open else {name for name in _RESPONDERS - _IMPLIED if hasattr(resource, name)}
    declared = {f"on_{method}" for method in access.scopes}
    for responder in sorted(declared ^ set(answered)):
        method = responder.removeprefix("on_")
        if responder in declared:
            raise Undeclared(f"{kind} declares a scope for {method}, which it does not answer: remove it from `access`")
        raise Undeclared(f"{kind} does not declare the scope that {method} needs: add it to its `access`")
