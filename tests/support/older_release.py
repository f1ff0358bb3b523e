"""The release before schema 3, as it was: its code beside today's, its processes, and its scripts.

Its code runs with this interpreter and its libraries. A clone without that commit cannot have it: those tests are
skipped.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from service.store.keys import Keys
from tests.support.installation import COMMANDS, ROOT, Installation
from tests.support.servers.valkey import ValkeyServer

REVISION = "cd7961bf306051e3b1c7705cb853a633ae394b5d"
"""The last commit of the older release."""

PRINT_SCRIPTS = """
import json, redis
from service.store.keys import Keys
from service.store.rq_records import make_scripts
from service.store.scripts import Limits
scripts = make_scripts(redis.Redis(), Keys(), Limits(history=10))
print(json.dumps({verb: script.text for verb, script in scripts._scripts.items()}))
"""


@contextmanager
def older_code() -> Iterator[Path]:
    """Give the folder of its code, which is removed afterwards."""
    found = subprocess.run(["git", "archive", "--format=tar", REVISION], cwd=ROOT, capture_output=True, check=False)
    if found.returncode:
        pytest.skip(f"this clone has no commit {REVISION[:7]} (git fetch --unshallow): {found.stderr.decode().strip()}")
    with tempfile.TemporaryDirectory(prefix="older-release-") as folder:
        with tarfile.open(fileobj=io.BytesIO(found.stdout)) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder)


class OlderInstallation(Installation):
    """Processes of the older release.

    Args:
        code: the folder of its code.
        folder: for logs.
        server: the Redis that it uses.
        settings: more of the environment.
    """

    def __init__(self, code: Path, folder: Path, server: ValkeyServer, **settings: str) -> None:
        self.cwd = code
        super().__init__(folder, server, **settings)

    def surroundings(self) -> dict[str, str]:
        """Its own bots, and its own packages before any others."""
        plugins = self.cwd / "tests" / "process" / "plugins"
        return {**os.environ, "PYTHONPATH": f"{plugins}:{self.cwd}", "PYTHONUNBUFFERED": "1"}

    def command(self, kind: str) -> list[str]:
        """The same as today's."""
        return COMMANDS[kind]


class OlderRelease:
    """Its scripts, as its processes run them. Of each job, ten ended runs are kept.

    Args:
        client: the connection to run them on.
        texts: verb -> text.
    """

    def __init__(self, client: Redis, texts: dict[str, str]) -> None:
        self.client = client
        self._texts = texts
        client.set(Keys().schema_version, 2)

    def run(self, verb: str, *args: str | int) -> Any:
        """Run one of its scripts."""
        return self.client.eval(self._texts[verb], 0, *args)

    def make_job(self, name: str, **options: Any) -> str:
        """Make a job that is due each day at eight. Return its id."""
        job_id = str(uuid.uuid5(uuid.NAMESPACE_URL, name))
        tomorrow = (int(time.time()) // 86_400 + 1) * 86_400 + 8 * 3600
        fields = {
            "id": job_id, "name": name, "bot_type": "echo", "bot_config": "{}", "schedule_type": "daily",
            "schedule_config": '{"hour": 8, "minute": 0}', "options": json.dumps(options),
            "disable_after_failures": str(options.get("disable_after_failures", 0)),
            "max_concurrent_runs": str(options.get("max_concurrent_runs", 1)),
            "overlap": options.get("overlap", "skip"), "created_at": str(int(time.time() * 1000)),
            "updated_at": str(int(time.time() * 1000)), "anchor": str(tomorrow - 86_400), "state": "scheduled",
            "next_occurrence": str(tomorrow), "next_due": str(tomorrow * 1000), "writer": job_id,
        }  # fmt: skip
        saved = self.run("save_job", job_id, "", json.dumps(fields), "[]", "1", tomorrow * 1000, "", "", "", "", 1)
        assert saved[0] == b"saved"
        return job_id

    def ask_for_run(self, job_id: str, run_id: str) -> str:
        """Make a run by hand."""
        assert self.run("request_run", job_id, run_id, "", "", "", "") == [b"queued"]
        return run_id

    def claim(self, run_id: str = "", token: str = "older", lease_ms: int = 30_000) -> str | None:
        """Claim a run as one of its workers does; by default the next one in its queue. Return the run's id."""
        answer = self.run("claim_run", run_id, token, "older-worker", lease_ms)
        if answer[0] != b"claimed":
            return None
        return str(dict(zip(answer[2][::2], answer[2][1::2], strict=True))[b"id"].decode())

    def end(self, run_id: str, status: str = "success", retry: Any = None, token: str = "older") -> bytes:
        """End a run as one of its workers does. `retry`: its id and its delay, ms."""
        again = json.dumps({"id": retry[0], "attempt": 2, "delay_ms": retry[1]}) if retry else ""
        outcome = json.dumps({"error": "it failed"} if status == "failed" else {})
        answer: bytes = self.run("end_run", run_id, token, status, outcome, "", again, "0", "")
        return answer


def older_texts(code: Path) -> dict[str, str]:
    """Ask its code for the texts of its scripts."""
    asked = subprocess.run(
        [sys.executable, "-c", PRINT_SCRIPTS], cwd=code, env={**os.environ, "PYTHONPATH": str(code)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return dict(json.loads(asked.stdout))
