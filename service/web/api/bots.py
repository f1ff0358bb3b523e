"""Route of the list of bots."""

from __future__ import annotations

from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.usecases.access.sight import seen_bots
from service.web.http.access import BY_KEY
from service.web.http.rendering import send
from service.web.http.representation.validators import revalidate
from service.web.services import Bots


class BotList:
    """`/scheduler/bots`."""

    access = BY_KEY.needing(get=Scope.READ)

    def __init__(self, bots: Bots) -> None:
        self._bots = {
            name: {"name": name, "description": bot.description, "config_schema": bot.Config.model_json_schema()}
            for name, bot in sorted(bots.items())
        }

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return each bot's name, its description, and the JSON schema of its config."""
        send(resp, list(seen_bots(self._bots).values()))
        revalidate(req, resp)

    on_head = on_get
