"""Sends the pings of a worker's runs, in threads of the parent process, so that no run waits for a monitor.

The addresses follow healthchecks.io: `/start`, the address itself for a success, `/fail`, each with `?rid=` the run's
id. A ping is tried twice, and then given up: the monitor notices that it is missing.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
import zlib

import httpx

from service.bots.support.fetching import user_agent
from service.bots.support.network_guard import AddressRefused, GuardedBackend, GuardedTransport
from service.bots.support.secrets import SecretMissing, SecretRefused, Vault
from service.bots.webhook.config import web_address
from service.egress import Egress
from service.secrecy.secret_names import is_secret, referenced
from service.settings import Settings
from service.worker.pings.notes import Note, PingNotes, read_note

log = logging.getLogger(__name__)

SECONDS = 5.0
"""How long one try may take."""
TRIES = 2
LANES = 8
"""Pings of one address come in order, in one lane; one that does not answer holds up its lane alone."""
MOST_WAITING = 200
"""Pings that wait in one lane; further ones are dropped."""
LAST_SECONDS, NAP_SECONDS = 1.0, 0.02
"""How long a worker that stops waits for the last pings, and between two looks."""
_PATHS = {"start": "/start", "success": "", "fail": "/fail"}


class Pinger:
    """The pipe from the horses, and the threads that ping.

    Args:
        settings: the service's.
        vault: the secrets that were in the environment.
    """

    def __init__(self, settings: Settings, vault: Vault) -> None:
        self._vault = vault
        self._agent = user_agent(settings.visitor_contact)
        self._egress = Egress.of(settings.network_allow, settings.visitor_allow_private)
        self._read, self._written = os.pipe()
        self.notes = PingNotes(self._written)
        """Writes notes, in this process and in horses, which are forks of it."""
        self._lanes: dict[int, queue.Queue[tuple[Note, str]]] = {}
        self._thread = threading.Thread(target=self._listen, name="pings", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def close(self) -> None:
        """Send what was noted, within `LAST_SECONDS`; any number of times."""
        if self._written < 0:
            return
        os.close(self._written)
        self._written = -1
        end = time.monotonic() + LAST_SECONDS
        self._thread.join(LAST_SECONDS)
        while any(lane.unfinished_tasks for lane in self._lanes.values()) and time.monotonic() < end:
            time.sleep(NAP_SECONDS)

    def _listen(self) -> None:
        begun = b""
        while text := os.read(self._read, 65536):
            *lines, begun = (begun + text).split(b"\n")
            for note in filter(None, map(read_note, lines)):
                for name in note.names:
                    self._queue(note, name)

    def _queue(self, note: Note, name: str) -> None:
        number = zlib.crc32(name.encode()) % LANES
        if number not in self._lanes:
            lane: queue.Queue[tuple[Note, str]] = queue.Queue(MOST_WAITING)
            self._lanes[number] = lane
            threading.Thread(target=self._serve, args=(lane,), name=f"pings-{number}", daemon=True).start()
        try:
            self._lanes[number].put_nowait((note, name))
        except queue.Full:
            log.warning("A ping of run %s is dropped: %d wait before it", note.run_id, MOST_WAITING)

    def _serve(self, lane: queue.Queue[tuple[Note, str]]) -> None:
        while True:
            self._ping(*lane.get())
            lane.task_done()

    def _ping(self, note: Note, name: str) -> None:
        variable = referenced(name)
        try:
            url = self._address(name, variable)
            for attempt in range(1, TRIES + 1):
                if (why := self._send(url, note)) is None:
                    return
                log.log(
                    logging.INFO if attempt < TRIES else logging.WARNING, "A ping of run %s was not taken by %s: %s",
                    note.run_id, variable, why,
                )  # fmt: skip
        except (SecretMissing, SecretRefused) as error:
            log.warning("A ping of run %s cannot be sent: %s", note.run_id, error)
        except Exception as error:  # noqa: BLE001 - whatever a library raises must not end the lane; its text may be secret
            log.warning("A ping of run %s was broken off at %s (%s)", note.run_id, variable, type(error).__name__)

    def _address(self, name: str, variable: str) -> httpx.URL:
        if not is_secret(variable):
            raise SecretRefused(f"{variable} is not the name of a secret")
        try:
            return web_address(self._vault.opened().allow([variable]).address(name))
        except ValueError:
            raise SecretRefused(f"the value of {variable} is not an http(s) address") from None

    def _send(self, url: httpx.URL, note: Note) -> str | None:
        """Send once. Return why it was not taken; None if it was. Redirects are not followed."""
        path = url.path.rstrip("/") + _PATHS[note.what] if note.what != "success" else url.path
        request = httpx.Request(
            "GET", url.copy_with(path=path).copy_merge_params({"rid": note.run_id}),
            headers={"User-Agent": self._agent},
            extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), SECONDS)},
        )  # fmt: skip
        backend = GuardedBackend(self._egress)
        backend.begin(SECONDS)
        try:
            with GuardedTransport(backend) as transport:
                response = transport.handle_request(request)
                response.close()
        except AddressRefused as error:
            return f"the address {error.reason}, and NETWORK_ALLOW does not name it"
        except httpx.HTTPError as error:
            return type(error).__name__
        return None if response.is_success else f"it answered {response.status_code}"
