"""Route of the list of bots. Short on purpose: each noun of the API has a module."""

from __future__ import annotations

from falcon.asgi import Request, Response

from service.web.http.access import BY_KEY
from service.web.services import Bots


class BotList:
    """`/scheduler/bots`."""

    access = BY_KEY

    def __init__(self, bots: Bots) -> None:
        self._bots = [
            {"name": name, "description": bot.description, "config_schema": bot.Config.model_json_schema()}
            for name, bot in sorted(bots.items())
        ]

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return each bot's name, its description, and the JSON schema of its config."""
        resp.media = self._bots

    on_head = on_get
