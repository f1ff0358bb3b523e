"""Which bots there are."""

from __future__ import annotations

import falcon

from service.web.api.protocols import Bots
from service.web.http.access import BY_KEY


class BotList:
    """`/scheduler/bots`"""

    access = BY_KEY

    def __init__(self, bots: Bots) -> None:
        self._bots = [
            {"name": name, "description": bot.description, "config_schema": bot.Config.model_json_schema()}
            for name, bot in sorted(bots.items())
        ]

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Each bot's name, description and its config's JSON schema."""
        resp.media = self._bots

    on_head = on_get
