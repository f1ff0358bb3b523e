"""Job definitions from a file, from standard input, or from an editor."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from service.cli.exits import Exit, Failure
from service.cli.input.editor import edit

MAX_MEGABYTES = 256
"""The most of a file that is read. The service has its own limit (`IMPORT_LIMIT_MB`)."""


def read_bytes(path: str) -> bytes:
    """Read a file. `-` is standard input.

    Raises:
        Failure: The file cannot be read, or is longer than `MAX_MEGABYTES`.
    """
    limit = MAX_MEGABYTES * 2**20
    try:
        with open(sys.stdin.fileno() if path == "-" else path, "rb", closefd=path != "-") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise Failure(Exit.USAGE, f"{path} cannot be read: {error.strerror}") from None
    if len(content) > limit:
        raise Failure(Exit.USAGE, f"{path} is longer than the limit of {MAX_MEGABYTES} MiB")
    return content


def source_name(path: str) -> str:
    """Name what is read, in a sentence."""
    return "Standard input" if path == "-" else path


def read_definition(path: str) -> dict[str, Any]:
    """Read one job's fields from a YAML or JSON file: a mapping, or an export of one job.

    Raises:
        Failure: The file cannot be read, is malformed, or has several jobs.
    """
    return _parsed(read_bytes(path), path)


def edit_job(job: Mapping[str, Any], send: Callable[[dict[str, Any]], None]) -> None:
    """Open a job as YAML in the person's editor.

    Args:
        job: The job.
        send: Called with all fields of the new definition, if the person changed any.

    Raises:
        Failure: The editor failed, or the service refused the text. The sentence says where the text is kept.
    """
    from service.domain.job import DEFINITION_FIELDS
    from service.usecases.documents.document import yaml_pieces  # here, because the domain takes a while to load

    before = b"".join(yaml_pieces(1, [{field: job[field] for field in DEFINITION_FIELDS}]))
    edit(before, lambda text: send(_parsed(text, "The text")))


def _parsed(raw: bytes, path: str) -> dict[str, Any]:
    from service.errors import ValidationFailed
    from service.usecases.documents.document import parse_yaml  # here, because the domain takes a while to load

    try:
        document = parse_yaml(raw)
    except ValidationFailed as refusal:
        raise Failure(Exit.REFUSED, f"{source_name(path)} {str(refusal).removeprefix('body ')}") from None
    if "jobs" not in document:
        return document
    jobs = document["jobs"]
    if not (isinstance(jobs, list) and len(jobs) == 1 and isinstance(jobs[0], dict)):
        raise Failure(
            Exit.USAGE, f"{source_name(path)} must have exactly one job in it; `bot-scheduler apply -f` takes several"
        )
    return jobs[0]
