"""The first page."""

from __future__ import annotations

import falcon

from service.api.protocols import Jobs
from service.console.pages import Page, show


class Overview(Page):
    """`/`"""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """How everything is."""
        show(resp, "overview.html", "/", health=self._jobs.health())
