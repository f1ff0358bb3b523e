"""Job definitions on the way in: from flags, from a file, from an editor."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from service.cli.failures import Exit, Failure

MAX_MEGABYTES = 256
"""Of a file that is read; what the service takes of it is its own affair (`IMPORT_LIMIT_MB`)."""


def read_bytes(path: str) -> bytes:
    """A file's content; `-` is standard input.

    Raises:
        Failure: it cannot be read, or is longer than `MAX_MEGABYTES`.
    """
    limit = MAX_MEGABYTES * 2**20
    try:
        with open(sys.stdin.fileno() if path == "-" else path, "rb", closefd=path != "-") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise Failure(Exit.USAGE, f"{path} cannot be read: {error.strerror}") from None
    if len(content) > limit:
        raise Failure(Exit.USAGE, f"{path} is longer than {MAX_MEGABYTES} MiB, the most that is read")
    return content


def read_definition(path: str) -> dict[str, Any]:
    """One job's fields from a YAML or JSON file: a mapping, or an export of one job. Raises Failure."""
    return _parsed(read_bytes(path), path)


def edit(job: Mapping[str, Any], send: Callable[[dict[str, Any]], None]) -> bool:
    """Lets a person edit a job in their editor, as YAML.

    Args:
        job: as it is.
        send: gets all fields of its definition as they are to be.

    Returns:
        Whether anything was changed.

    Raises:
        Failure: the editor failed, or the text was refused; it is kept then, and the sentence says where.
    """
    from service.domain.job import DEFINITION_FIELDS
    from service.usecases.documents import yaml_pieces  # here, since the API's modules take a while to load

    before = b"".join(yaml_pieces(1, [{field: job[field] for field in DEFINITION_FIELDS}]))
    with tempfile.NamedTemporaryFile(prefix="bot-scheduler-", suffix=".yaml", delete=False) as file:
        file.write(before)
    path = Path(file.name)
    try:
        _open_editor(path)
        after = path.read_bytes()
        if after != before:
            send(_parsed(after, "The text"))
    except Failure as failure:
        raise Failure(failure.exit, f"{failure.sentence} (it is kept in {path})", failure.errors) from None
    path.unlink()
    return after != before


def _open_editor(path: Path) -> None:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        done = subprocess.run([*shlex.split(editor), str(path)], check=False)  # noqa: S603 - the person's own words
    except (OSError, ValueError) as error:
        raise Failure(Exit.USAGE, f"The editor {editor!r} cannot be started ({error}); set EDITOR") from None
    if done.returncode != 0:
        raise Failure(Exit.FAILED, f"The editor {editor!r} ended with status {done.returncode}; nothing was changed")


def _parsed(raw: bytes, path: str) -> dict[str, Any]:
    from service.errors import ValidationFailed
    from service.usecases.documents import parse_yaml  # here, since the API's modules take a while to load

    try:
        document = parse_yaml(raw)
    except ValidationFailed as refusal:
        raise Failure(Exit.REFUSED, f"{path} {str(refusal).removeprefix('body ')}") from None
    if "jobs" not in document:
        return document
    jobs = document["jobs"]
    if not (isinstance(jobs, list) and len(jobs) == 1 and isinstance(jobs[0], dict)):
        raise Failure(Exit.USAGE, f"{path} has not one job in it; `bot-scheduler apply -f` takes several")
    return jobs[0]
