"""Query parameters of the API: what an operation takes is what its OpenAPI description names, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from falcon.asgi import Request, Response

from service.domain.input.refusals import Refusals, key_name, listed
from service.web.api.openapi.operation import Operation
from service.web.api.openapi.operations import OPERATIONS
from service.web.http.access import OPEN


class KnownParameters:
    """Falcon middleware behind the guard that refuses unknown query parameters: a typo must not change what is asked.

    Pages for people are no operations of the API, and get whatever stands in an address. So does what anybody may
    ask, and feeds and pings: programs add to addresses, against caches.

    Args:
        operations: method and path of each operation -> its description.
    """

    def __init__(self, operations: Mapping[tuple[str, str], Operation] = OPERATIONS) -> None:
        self._operations = operations

    async def process_resource(self, req: Request, resp: Response, resource: object, params: dict[str, str]) -> None:
        """Refuse a request with a query parameter that its operation does not take.

        Args:
            req: the request.
            resp: its answer.
            resource: the resource that Falcon has matched.
            params: the parameters in the path.

        Raises:
            ValidationFailed: names each unknown parameter, and those that the operation takes.
        """
        if not req.params or _is_for_any_address(resource):
            return
        method, path = "GET" if req.method == "HEAD" else req.method, req.uri_template or ""
        operation = self._operations.get((method, path))
        if operation is None:
            return
        taken = listed(operation.query, "and") if operation.query else "none"
        refusals = Refusals()
        for name in (name for name in req.params if name not in operation.query):
            refusals.add(key_name(name), f"is not a query parameter of {method} {path}, which takes {taken}")
        refusals.raise_any()


def _is_for_any_address(resource: object) -> bool:
    access = getattr(resource, "access", OPEN)
    return access.any_parameters
