"""Make an installation of 5,000 jobs, 200,000 runs and 20,000 contacts, and start it: `make demo-large`.

Its data stands in a folder of its own, DATA_DIR or `var/demo-large`. It is made once; the next start finds it.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from redis import Redis
from redis.exceptions import BusyLoadingError

from service.home import data_folder
from service.local import embedded_valkey as embedded
from service.local.data import CannotStart, lock_folder, make_folder
from service.local.signals import StopRequest
from tools.demo.filling import NotEmpty, fill

FOLDER = "var/demo-large"


def main() -> int:
    """Fill the folder's Valkey if it is empty, then become `bot-scheduler up` with that folder.

    Returns:
        1 if it cannot; it returns at no other time.
    """
    data = data_folder(os.environ.get("DATA_DIR") or FOLDER)
    try:
        _fill(data)
    except (CannotStart, embedded.NotStarted) as error:
        print(error, file=sys.stderr)
        return 1
    environment = {**os.environ, "DATA_DIR": str(data)}
    for name in ("REDIS_URL", "RQ_REDIS_URL"):
        environment.pop(name, None)
    return os.execve(sys.executable, [sys.executable, "-m", "service.local.up"], environment)  # noqa: S606 - our words


def _fill(data: Path) -> None:
    begun, request = time.monotonic(), StopRequest()
    request.listen()
    make_folder(data)
    with ExitStack() as closing:
        lock = closing.enter_context(lock_folder(data))
        valkey = embedded.start(data, lock, closing, request)
        with Redis.from_url(valkey.url) as client:
            _wait_until_loaded(client)
            try:
                fill(client, say=lambda what: print(f"{time.monotonic() - begun:5.0f} s  {what}", flush=True))
            except NotEmpty:
                print(f"The installation in {data} is there already; delete the folder to make it anew")


def _wait_until_loaded(client: Redis) -> None:
    """Wait while the server reads its append-only file: of so much data that takes seconds."""
    while True:
        try:
            client.ping()
            return
        except BusyLoadingError:
            time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
