"""Bodies that end before their declared length: raw bytes to a real web process, and then the end of the connection."""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Iterator

import pytest

from tests.support.installation import API_KEY
from tests.support.world import JOB, KEY, OWN_ORIGIN, World, world_in

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One for all."""
    with world_in(tmp_path_factory.mktemp("broken")) as found:
        yield found


def answer_to(world: World, raw: bytes) -> tuple[int, bytes, bytes]:
    """Sends bytes, then the end of the connection. Returns status, head and body of the answer."""
    with socket.create_connection(("127.0.0.1", world.web.port), 30) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        came = b""
        while piece := connection.recv(65536):
            came += piece
    head, _, body = came.partition(b"\r\n\r\n")
    return int(head[9:12]), head, body


def request(method: str, path: str, headers: str, body: bytes, declared: int) -> bytes:
    """A request that declares a length of its own."""
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n{headers}"
    return f"{head}Content-Length: {declared}\r\n\r\n".encode() + body


SCHEDULE = {name: JOB[name] for name in ("schedule_type", "schedule_config")}
CSV = "Content-Type: text/csv\r\n"
FORM = f"{OWN_ORIGIN}Content-Type: application/x-www-form-urlencoded\r\n"
READERS = {
    "a new job": ("POST", "/scheduler/jobs", KEY, json.dumps({**JOB, "name": "cut"}).encode()),
    "a changed job": ("PUT", "/scheduler/jobs/{job_id}", KEY, json.dumps({**JOB, "name": "cut"}).encode()),
    "a toggle": ("POST", "/scheduler/jobs/{job_id}/toggle", KEY, b'{"enabled": true}'),
    "a run": ("POST", "/scheduler/jobs/{job_id}/run", KEY, b"{}"),
    "a run without a word": ("POST", "/scheduler/jobs/{job_id}/run", KEY, b""),
    "a preview": ("POST", "/scheduler/preview", KEY, json.dumps(SCHEDULE).encode()),
    "definitions": ("POST", "/scheduler/apply?prune=true", KEY, b"version: 1\njobs: []\n"),
    "a contact": ("POST", "/scheduler/contacts", KEY, b'{"name": "Ada"}'),
    "addresses": ("POST", "/scheduler/contacts/import", KEY + CSV, b"name,email\nAda,ada@example.com\n"),
    "many addresses": (
        "POST", "/scheduler/contacts/import", KEY + CSV, b"name,email\n" + b"Ada,ada@example.com\n" * 60_000
    ),
    "a sign-in": ("POST", "/sign-in", FORM, f"key={API_KEY.replace(' ', '+')}".encode()),
}  # fmt: skip


@pytest.mark.parametrize("missing", [1, 500, 900])
@pytest.mark.parametrize("reader", READERS)
def test_a_body_that_breaks_off_is_told_and_does_nothing(world: World, reader: str, missing: int) -> None:
    """400 with both lengths, however well the part that came can be read."""
    method, path, headers, body = READERS[reader]
    before = world.stored()
    raw = request(method, world.fill(path), headers, body, len(body) + missing)
    status, head, answer = answer_to(world, raw)
    assert status == 400
    assert f"broke off after {len(body)} of the {len(body) + missing} bytes" in json.loads(answer)["detail"]
    assert b"set-cookie" not in head.lower()
    assert world.stored() == before


def test_the_same_bodies_whole_are_taken(world: World) -> None:
    """With the length that they have: it is the missing part alone that was refused."""
    for reader in ("a preview", "a toggle", "a contact", "addresses", "a sign-in"):
        method, path, headers, body = READERS[reader]
        assert answer_to(world, request(method, world.fill(path), headers, body, len(body)))[0] < 400, reader


@pytest.mark.parametrize("body", [b"&".join([b"a=1"] * 21), b"&" * 900, b";" * 900, b"key=1&" * 100])
def test_a_form_with_too_many_fields_is_told(world: World, body: bytes) -> None:
    """It is the sender's fault, not the service's: 400 or a wrong key, and no trace in the log."""
    status, _, _ = answer_to(world, request("POST", "/sign-in", FORM, body, len(body)))
    assert status in (400, 403)
    assert "Traceback" not in world.web.log("web")


@pytest.mark.slow(reason="hundreds of generated forms are sent")
def test_whatever_a_form_holds_it_is_refused_in_order(world: World) -> None:
    """Bytes at random, with what forms are made of: never a 500."""
    chance = random.Random(20)
    parts = [
        b"key",
        b"next",
        b"=",
        b"&",
        b"%",
        b"%00",
        b"%ED%A0%80",
        b"%FF",
        b"+",
        b"\0",
        b"\xff",
        b"\r\n",
        b";",
        b"[]",
    ]
    for _ in range(300):
        body = b"".join(chance.choices(parts, k=chance.randrange(120)))
        status, _, answer = answer_to(world, request("POST", "/sign-in", FORM, body, len(body)))
        assert status in (400, 403), body
        assert json.loads(answer)["detail"] if answer.startswith(b"{") else answer
    assert "Traceback" not in world.web.log("web")
