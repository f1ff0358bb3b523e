"""Route of the list of bots."""

from __future__ import annotations

from collections.abc import Mapping

import falcon

from service.bots.protocol import Bot
from service.web.http.access import BY_KEY


class BotList:
    """`/scheduler/bots`"""

    access = BY_KEY

    def __init__(self, bots: Mapping[str, type[Bot]]) -> None:
        self._bots = [
            {"name": name, "description": bot.description, "config_schema": bot.Config.model_json_schema()}
            for name, bot in sorted(bots.items())
        ]

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Return each bot's name, its description, and the JSON schema of its config."""
        resp.media = self._bots

    on_head = on_get
