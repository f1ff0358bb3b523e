"""Route of the list of bots."""

from __future__ import annotations

import falcon
from falcon.asgi import Request, Response

from service.domain.plain_json import dumps
from service.web.http.access import BY_KEY
from service.web.http.representation.validators import revalidate
from service.web.services import Bots


class BotList:
    """`/scheduler/bots`."""

    access = BY_KEY

    def __init__(self, bots: Bots) -> None:
        self._bots = dumps(
            [
                {"name": name, "description": bot.description, "config_schema": bot.Config.model_json_schema()}
                for name, bot in sorted(bots.items())
            ]
        )

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return each bot's name, its description, and the JSON schema of its config."""
        resp.data, resp.content_type = self._bots, falcon.MEDIA_JSON
        revalidate(req, resp)

    on_head = on_get
