"""A real CardDAV server for tests, and a way to change what is in it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.processes import find_free_port, until

USER = "ada@example.org"
PASSWORD = "ge:heim/1"
_MAKE = (
    '<?xml version="1.0"?><D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:set><D:prop>'
    "<D:resourcetype><D:collection/><C:addressbook/></D:resourcetype><D:displayname>%s</D:displayname>"
    "</D:prop></D:set></D:mkcol>"
)


def person(uid: str, *lines: str, name: str = "") -> str:
    """A vCard of so many lines."""
    return "\r\n".join(["BEGIN:VCARD", "VERSION:3.0", f"UID:{uid}", f"FN:{name or uid}", *lines, "END:VCARD", ""])


@dataclass
class Radicale:
    """A running server with one user.

    Args:
        port: on 127.0.0.1.
        folder: where it keeps its data.
    """

    port: int
    folder: Path

    @property
    def home(self) -> str:
        """Where the user's address books are."""
        return "/ada%40example.org/"

    def url(self, path: str = "/", password: str = "ge%3Aheim%2F1") -> str:
        """The CONTACTS_URL that leads to `path`."""
        return f"http://ada%40example.org:{password}@127.0.0.1:{self.port}{path}"

    def ask(self, method: str, path: str, content: str = "") -> httpx.Response:
        """One request as the user, that must succeed."""
        answer = httpx.request(
            method, f"http://127.0.0.1:{self.port}{path}", content=content.encode(), auth=(USER, PASSWORD), timeout=30
        )
        assert answer.is_success, (answer.status_code, answer.text)
        return answer

    def make_book(self, path: str, name: str) -> str:
        """Makes an address book below the user's home. Returns its path."""
        self.ask("MKCOL", f"{self.home}{path}/", _MAKE % name)
        return f"{self.home}{path}/"

    def put(self, path: str, card: str) -> None:
        """Writes a card."""
        self.ask("PUT", path, card)

    def delete(self, path: str) -> None:
        """Deletes a card."""
        self.ask("DELETE", path)

    def forget_tokens(self) -> None:
        """Makes every sync-token given out so far invalid, as a server that was restored does."""
        for kept in self.folder.rglob(".Radicale.cache/sync-token/*"):
            kept.unlink()


@contextmanager
def radicale(folder: Path) -> Iterator[Radicale]:
    """A running radicale."""
    port = find_free_port()
    (folder / "users").write_text(f"{USER}:{PASSWORD}\n")
    (folder / "config").write_text(
        f"[server]\nhosts = 127.0.0.1:{port}\n"
        f"[auth]\ntype = htpasswd\nhtpasswd_filename = {folder}/users\nhtpasswd_encryption = plain\ndelay = 0\n"
        f"[storage]\nfilesystem_folder = {folder}/data\n[logging]\nlevel = warning\n"
    )
    with (folder / "log").open("wb") as log:
        command = [sys.executable, "-m", "radicale", "--config", str(folder / "config")]
        process = subprocess.Popen(command, stdout=log, stderr=log)

    def answers() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/", timeout=5).status_code < 500
        except httpx.HTTPError:
            return False

    try:
        until(answers, 30, (folder / "log").read_text)
        yield Radicale(port, folder / "data")
    finally:
        process.terminate()
        process.wait(10)
