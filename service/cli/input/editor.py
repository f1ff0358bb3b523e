"""The person's editor: open a text in it, and send what they have made of it."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from service.cli.exits import Exit, Failure
from service.cli.output.escaping import quoted


def edit(before: bytes, send: Callable[[bytes], None]) -> None:
    """Open a text in the person's editor.

    Args:
        before: The text, YAML.
        send: Called with the new text, if the person changed it.

    Raises:
        Failure: The editor failed, or `send` raised it. The sentence says where the text is kept.
    """
    with tempfile.NamedTemporaryFile(prefix="bot-scheduler-", suffix=".yaml", delete=False) as file:
        file.write(before)
    path = Path(file.name)
    try:
        _open_editor(path)
        after = path.read_bytes()
        if after != before:
            send(after)
    except Failure as failure:
        raise Failure(failure.exit, f"{failure.sentence} (your text is kept in {path})", failure.errors) from None
    path.unlink()


def _open_editor(path: Path) -> None:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        done = subprocess.run([*shlex.split(editor), str(path)], check=False)  # noqa: S603 - the person's own words
    except (OSError, ValueError) as error:
        raise Failure(Exit.USAGE, f"The editor {quoted(editor)} does not start ({_why(error)}); set EDITOR") from None
    if done.returncode != 0:
        raise Failure(
            Exit.FAILED, f"The editor {quoted(editor)} ended with status {done.returncode}; nothing was changed"
        )


def _why(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
