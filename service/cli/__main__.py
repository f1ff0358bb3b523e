"""Entry point: run a command, and turn whatever ends it into one sentence and an exit code."""

from __future__ import annotations

import os
import sys
from typing import Any

from service.cli.exits import Exit, Failure


def main() -> int:
    """Run the command that this process' arguments name.

    Returns:
        The exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # these are text streams
    try:
        return _run()
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # The reader has seen enough (`| head`): let the rest of the buffer go nowhere, without a traceback at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK


def _run() -> int:
    # Imported here, because Ctrl-C may come while all commands are loaded.
    from typer import Abort

    from service.cli.output.printing import show_failure

    try:
        return _run_command()
    except Failure as failure:
        show_failure(failure)
        return failure.exit
    except Abort:
        return Exit.INTERRUPTED


def _run_command() -> int:
    from typer import TyperException

    from service.cli.app import app

    try:
        status: Any = app(prog_name="bot-scheduler", standalone_mode=False)
        sys.stdout.flush()
    except TyperException as error:
        context = getattr(error, "ctx", None)
        hint = f"; see `{context.command_path} --help`" if context is not None else ""
        raise Failure(Exit.USAGE, f"{error.format_message().rstrip('.')}{hint}") from None
    return status if isinstance(status, int) else Exit.OK


if __name__ == "__main__":
    sys.exit(main())
