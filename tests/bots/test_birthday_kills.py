"""The birthday bot killed in the middle of sending: nobody gets two messages, and nobody is lost silently."""

from __future__ import annotations

import io
import json
import random
import subprocess
import sys
from pathlib import Path

from redis import Redis

from service.contacts.book import ContactBook
from service.keys import Keys
from tests.bots.rig import post_office
from tests.conftest import ValkeyServer

PEOPLE = 20
KILLS = 5


def test_kills_while_sending_double_nobody_and_lose_nobody(valkey_server: ValkeyServer, redis_client: Redis) -> None:
    """Each kill comes while the mail server takes a message; the run after the kills tells who is unknown."""
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    draw = random.Random(seed)
    rows = "\n".join(f"P{n},--04-12,p{n}@example.org" for n in range(PEOPLE))
    ContactBook(redis_client, Keys()).import_stream(io.BytesIO(f"name,birthday,email\n{rows}\n".encode()))
    with post_office() as (post, url):

        def start() -> subprocess.Popen[bytes]:
            command = [sys.executable, "-m", "tests.bots.one_run", str(valkey_server.port), url]
            return subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE)

        for _ in range(KILLS):
            left = [draw.randint(1, 3)]
            running: list[subprocess.Popen[bytes]] = []

            def kill(left: list[int] = left, running: list[subprocess.Popen[bytes]] = running) -> None:
                left[0] -= 1
                if left[0] == 0:
                    running[0].kill()

            post.before_taking = kill
            running.append(start())
            running[0].communicate(timeout=60)
            assert running[0].returncode == -9
        post.before_taking = lambda: None
        out, _ = start().communicate(timeout=60)
    result = json.loads(out)
    assert len(set(post.recipients)) == len(post.recipients) == PEOPLE
    assert result["unknown"] == KILLS
    assert result["already"] + result["sent"] + result["unknown"] == result["found"] == PEOPLE
