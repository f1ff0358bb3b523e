"""Installs what we are measured beside, into `var/bench`: `python -m bench.install`. Where node is, BullMQ too."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

from bench.rig import AREA, ROOT, peer_python

REQUIREMENTS = ROOT / "bench" / "requirements-peers.txt"
NODE_PACKAGES = ("bullmq@6.7.0", "ioredis@6.0.0")
WANTED = (
    "rq", "rq-scheduler", "celery", "celery-redbeat", "huey", "apscheduler", "redis", "hiredis", "matplotlib",
)  # fmt: skip


def install() -> None:
    """Installs, unless what is there is what is asked for."""
    mark = AREA / "installed"
    asked = REQUIREMENTS.read_text() + " ".join(NODE_PACKAGES)
    if mark.exists() and mark.read_text() == asked:
        return
    AREA.mkdir(parents=True, exist_ok=True)
    print(f"Installing the peers into {AREA.relative_to(ROOT)} (once)", flush=True)
    pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "venv", str(AREA / "venv")], check=True)
    subprocess.run([peer_python(), *pip, "-r", str(REQUIREMENTS)], check=True)
    if not _install_node():
        print("node or its packages are not to be had here; BullMQ is left out")
    (AREA / "versions.json").write_text(json.dumps(_versions()))
    mark.write_text(asked)


def _install_node() -> bool:
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        return False
    folder = AREA / "node"
    folder.mkdir(exist_ok=True)
    (folder / "package.json").write_text('{"private": true}')
    return subprocess.run([npm, "install", "--silent", "--prefix", str(folder), *NODE_PACKAGES]).returncode == 0


def _versions() -> dict[str, str]:
    lookup = (
        f"import json; from importlib.metadata import version; print(json.dumps({{n: version(n) for n in {WANTED}}}))"
    )
    found = subprocess.run([peer_python(), "-c", lookup], check=True, capture_output=True, text=True)
    versions: dict[str, str] = json.loads(found.stdout)
    if (AREA / "node" / "node_modules" / "bullmq").exists():
        node = subprocess.run(["node", "--version"], check=True, capture_output=True, text=True).stdout.strip()
        versions |= {"bullmq": NODE_PACKAGES[0].partition("@")[2], "node": node.removeprefix("v")}
    return versions


if __name__ == "__main__":
    install()
