"""What each user of a server sends to it, by MONITOR."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from contextlib import suppress

from redis.exceptions import ConnectionError, TimeoutError

from tests.support.servers.valkey import ValkeyServer

_LINE = re.compile(r'[\d.]+ \[\d+ (\S+)\] "([^"]*)"')


class Monitor:
    """Listens while it is open; then `sent` has the commands outside scripts, in capitals, by user."""

    def __init__(self, server: ValkeyServer) -> None:
        self.sent: defaultdict[str, set[str]] = defaultdict(set)
        self._client = server.client()
        self._listener = server.client()
        self._of_address: defaultdict[str, set[str]] = defaultdict(set)
        self._users: dict[str, str] = {}
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=target) for target in (self._listen, self._look)]

    def __enter__(self) -> Monitor:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop listening; what was sent is known then."""
        if self._ended.is_set():
            return
        self._ended.set()
        self._client.set("the last command", "")
        for thread in self._threads:
            thread.join(10)
        for address, commands in self._of_address.items():
            self.sent[self._users.get(address, "?")] |= commands
        for client in (self._client, self._listener):
            client.close()

    def _listen(self) -> None:
        with self._listener.monitor() as monitor:  # type: ignore[no-untyped-call]
            while not self._ended.is_set():
                try:
                    line = monitor.connection.read_response(disable_decoding=True).decode(errors="replace")
                except TimeoutError:
                    continue
                except ConnectionError:
                    return
                found = _LINE.match(line)
                if found and found[1] != "lua":
                    self._of_address[found[1]].add(found[2].upper())

    def _look(self) -> None:
        client = self._client
        while not self._ended.wait(0.02):
            with suppress(TimeoutError):  # of a busy machine
                self._users |= {str(one["addr"]): str(one["user"]) for one in client.client_list()}
