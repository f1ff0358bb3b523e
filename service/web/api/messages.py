"""Route that sends a test message, to prove that the channel works.

Short on purpose: each noun of the API has a module.
"""

from __future__ import annotations

import falcon

from service.usecases.message_test import MessageTester
from service.web.http.access import BY_KEY
from service.web.http.body import read_optional_object
from service.web.http.request_slots import SlowResource


class MessageTest(SlowResource[MessageTester]):
    """`/scheduler/messages/test`."""

    access = BY_KEY

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Send one message through `MESSAGE_URL`: 200 once the channel takes it, else 502 with the reason."""
        body = read_optional_object(req)
        with self._slots.held():
            resp.media = self._source.send(body)
