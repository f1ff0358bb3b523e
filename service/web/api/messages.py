"""The route that proves the channel for messages."""

from __future__ import annotations

import falcon

from service.web.api.protocols import MessageTester
from service.web.http.access import BY_KEY
from service.web.http.body import read_optional_object
from service.web.http.request_slots import RequestSlots


class MessageTest:
    """`/scheduler/messages/test`"""

    access = BY_KEY

    def __init__(self, message_tester: MessageTester, slots: RequestSlots) -> None:
        self._tester = message_tester
        self._slots = slots

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Send one message through `MESSAGE_URL`: 200 once it is taken, 502 with the reason if it is not."""
        body = read_optional_object(req)
        self._slots.require()
        try:
            resp.media = self._tester.send(body)
        finally:
            self._slots.release()
