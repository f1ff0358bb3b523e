"""The wheel: what it holds, and that it works in an environment that has it and what it declares, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

from packaging.requirements import Requirement

from service import VERSION
from tests.packaging.installing import Installed, build, metadata_of, requirements_of

ROOT = Path(__file__).parents[2]
PACKAGES = ("service", "bot_scheduler")
OF_EXTRAS = ("service.local", "service.tracing.exporter", "service.tracing.sdk", "service.worker.traces.run_traces")
"""The packages and modules that need an extra."""


def files_below(root: Path) -> set[str]:
    """The files of the packages, as a wheel names them, and the guides, which the web process serves."""
    found = (path for name in PACKAGES for path in (root / name).rglob("*") if path.is_file())
    guides = (
        f"service/web/api/guides/pages/{path.name}" for path in (root / "README.md", *(root / "docs").glob("*.md"))
    )
    return {str(path.relative_to(root)) for path in found if "__pycache__" not in path.parts} | set(guides)


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(wheel: Path) -> None:
    """Templates, scripts for Redis, styles and tables too; no tests, and no module at the top that clashes."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == files_below(ROOT)
    assert {Path(name).suffix for name in names} >= {".py", ".lua", ".html", ".css", ".js", ".svg", ".txt", ".toml"}


def test_the_metadata_are_those_of_this_release(wheel: Path) -> None:
    """The version is the package's own, the licence is with it, and the requirements are those of pyproject.toml."""
    metadata = metadata_of(wheel)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert metadata["Name"] == "bot-scheduler" and metadata["Version"] == VERSION
    assert "version" not in project
    assert metadata["License-Expression"] == "MIT" and metadata.get_all("License-File") == ["LICENSE"]
    always = {Requirement(line).name for line in requirements_of(wheel) if "extra ==" not in line}
    assert always == {Requirement(line).name for line in project["dependencies"]}


IMPORT_ALL = """
import importlib, pkgutil, sys
import service
assert service.__file__.startswith(sys.prefix), service.__file__
skipped = tuple(sys.argv[1:])
count = 0
for module in pkgutil.walk_packages(service.__path__, "service."):
    if module.name.endswith("__main__") or any(f"{module.name}.".startswith(f"{name}.") for name in skipped):
        continue
    importlib.import_module(module.name)
    count += 1
print(count)
"""


def test_every_module_loads_with_what_is_declared(plain: Installed) -> None:
    """No import is left to what happens to be installed; only a start on one machine and traces need an extra."""
    done = plain.run("python", "-c", IMPORT_ALL, *OF_EXTRAS)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100


def test_all_of_it_loads_with_the_extras(whole: Installed) -> None:
    """With `local` and `traces` nothing is left out."""
    done = whole.run("python", "-c", IMPORT_ALL)
    assert done.returncode == 0, done.stderr


def test_what_is_declared_fits_together(whole: Installed) -> None:
    """Each locked version is within the ranges of all that require it."""
    command = [sys.executable, "-m", "pip", "--python", str(whole.environment / "bin" / "python"), "check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


TRY_A_BOT = """
import sys
import bot_scheduler, pydantic, service.bots.protocol
from bot_scheduler.testing import FakeContext
assert bot_scheduler.__file__.startswith(sys.prefix), bot_scheduler.__file__
assert service.bots.protocol.Bot is bot_scheduler.Bot

class Config(pydantic.BaseModel):
    pass

class Bot:
    name = "a bot"
    description = "A bot."
    Config = Config
    uses_settings = ()
    safe_to_rerun = True

    def run(self, context: bot_scheduler.Context) -> dict:
        return {"chore": context.ledger.claim("chore")}

print(Bot().run(FakeContext(Bot)))
"""


def test_a_bot_can_be_written_and_tried_there(plain: Installed) -> None:
    """With the public package and its context to test with; its old name `service.bots.protocol` works too."""
    done = plain.run("python", "-c", TRY_A_BOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "{'chore': 'claimed'}\n"


def test_what_is_installed_knows_that_it_is_no_checkout(plain: Installed) -> None:
    """It has no script `bot-scheduler` beside `service`, by which a checkout is told."""
    assert plain.run("python", "-c", "from service.home import checkout; print(checkout())").stdout == "None\n"
    for program in ("scheduler", "worker"):
        done = plain.run("python", "-c", f"import {program}")
        assert f"No module named '{program}'" in done.stderr


def test_the_command_works_anywhere(plain: Installed) -> None:
    """It tells its version and its commands, and the doctor looks around where nothing is set and nothing runs."""
    assert plain.run("bot-scheduler", "--version").stdout == f"bot-scheduler {VERSION}\n"
    told = plain.run("bot-scheduler", "--help")
    assert told.returncode == 0 and "doctor" in told.stdout
    looked = plain.run("bot-scheduler", "doctor", BOT_SCHEDULER_URL="http://127.0.0.1:9")
    assert looked.returncode == 1 and "is the service running" in looked.stdout
    assert looked.stderr == ""


def test_the_source_archive_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    """File by file: whoever packages it needs no more than the archive."""
    build(ROOT, tmp_path, "sdist")
    (archive,) = tmp_path.glob("*.tar.gz")
    subprocess.run(["tar", "--extract", "--file", str(archive), "--directory", str(tmp_path)], check=True)
    build(tmp_path / archive.name.removesuffix(".tar.gz"), tmp_path / "again", "wheel")
    (again,) = (tmp_path / "again").glob("*.whl")
    with zipfile.ZipFile(wheel) as first, zipfile.ZipFile(again) as second:
        assert {item.filename: item.CRC for item in first.infolist()} == {
            item.filename: item.CRC for item in second.infolist()
        }
