"""Callers: on whose behalf this code runs.

The web process sets the caller of each request before anything else is done with it; use cases and the store ask for it
here, so that no route can forget to pass it on. The other processes act on behalf of the service itself.
"""

from __future__ import annotations

from contextvars import ContextVar, Token
from dataclasses import dataclass

from service.domain.access.limits import NO_LIMITS, Limits
from service.domain.access.scopes import ALL, Scope
from service.errors import Forbidden


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who asks for something.

    Args:
        actor: a stored key's id; `root`, `service`, or `nobody`.
        name: the key's name, for people.
        scopes: what it may do.
        limits: the jobs that exist for it.
        session: the id of its session in the console, if it has signed in.
        address: the network address that the request came from; None for the service itself.
        job_id: the job to which its key is bound; None for none.
    """

    actor: str
    name: str
    scopes: frozenset[Scope] = frozenset()
    limits: Limits = NO_LIMITS
    session: str | None = None
    address: str | None = None
    job_id: str | None = None

    def require(self, scope: Scope) -> None:
        """Refuse a caller without a scope.

        Raises:
            Forbidden: this caller lacks it. The message says what it may do.
        """
        self.require_one(scope)

    def require_one(self, *scopes: Scope) -> None:
        """Refuse a caller without any of these scopes. Raises Forbidden as `require` does."""
        if self.scopes.isdisjoint(scopes):
            raise Forbidden(refusal(self.scopes, *scopes))


SERVICE = Caller("service", "the service", ALL)
"""The scheduler, the workers and the command line's own work."""
NOBODY = Caller("nobody", "nobody")
"""A request that has shown no proof yet."""

_caller: ContextVar[Caller] = ContextVar("caller", default=SERVICE)


def caller() -> Caller:
    """Return on whose behalf this code runs."""
    return _caller.get()


def act_for(who: Caller) -> Token[Caller]:
    """Run the rest of this task or thread on behalf of a caller."""
    return _caller.set(who)


def act_as_before(token: Token[Caller]) -> None:
    """Undo `act_for`."""
    _caller.reset(token)


_DOING = {
    Scope.READ: ("read", "read jobs and runs"),
    Scope.RUN: ("run", "run jobs"),
    Scope.WRITE: ("change jobs", "change jobs"),
    Scope.CONTACTS: ("see contacts", "see contacts"),
    Scope.SEND: ("send test messages", "send test messages"),
    Scope.PING: ("report runs", "report runs"),
    Scope.FEED: ("subscribe to calendars", "subscribe to calendars"),
    Scope.BADGE: ("see badges", "see badges"),
    Scope.ADMIN: ("administer keys", "administer keys"),
}


def refusal(scopes: frozenset[Scope], *needed: Scope) -> str:
    """Return the sentence that tells a caller what it may do, and which scopes it lacks, one of which would do."""
    may = [_DOING[scope][0] for scope in Scope if scope in scopes]
    joined = f"{', '.join(may[:-1])} and {may[-1]}" if len(may) > 1 else "".join(may)
    lacks = f"it needs the scope {' or '.join(scope.value for scope in needed)}"
    doing = " or ".join(_DOING[scope][1] for scope in needed)
    if not may:
        return f"This key may not {doing}; {lacks}"
    return f"This key may {joined}, but not {doing}; {lacks}"
