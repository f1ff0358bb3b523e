"""Offers: the links and buttons that a page shows its reader, by the same declarations by which the guard decides."""

from __future__ import annotations

from collections.abc import Mapping

from service.domain.access.callers import caller
from service.errors import Forbidden
from service.web.http.access import access_of


class Offers:
    """Tells templates what the reader of a page may do.

    Each link and each button of a page stands in its template behind `may("METHOD /route")`, so that none is shown that
    the guard would refuse.

    Args:
        resources: route -> resource, of everything that is served.
    """

    def __init__(self, resources: Mapping[str, object]) -> None:
        self._resources = resources

    def may(self, operation: str) -> bool:
        """Tell whether the guard would let the caller through.

        Args:
            operation: a method and a route, such as `POST /scheduler/jobs/{job_id}/run`.

        Returns:
            False also for a route that this process does not serve.
        """
        method, _, route = operation.partition(" ")
        resource = self._resources.get(route)
        if resource is None:
            return False
        try:
            access_of(resource).require(caller(), method)
        except Forbidden:
            return False
        return True
