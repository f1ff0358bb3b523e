"""Entry point: run a command, and turn whatever ends it into one sentence and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from typing import Any, TextIO

from service.cli.exits import Exit, Failure
from service.home import NAME

_NOT_WRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""The errors of an output that takes no more: its disk is full, or broken."""


def main() -> int:
    """Run the command that this process' arguments name.

    Returns:
        The exit code.
    """
    _prepare_streams()
    try:
        status = _complete(os.environ["_BOT_SCHEDULER_WORDS"]) if "_BOT_SCHEDULER_WORDS" in os.environ else _run()
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except (BrokenPipeError, SystemExit) as end:
        if isinstance(end, SystemExit) and not isinstance(end.__context__, BrokenPipeError):
            raise
        _print_no_more(sys.stdout)  # the reader has seen enough (`| head`); Rich and Typer end with 1 then
        return Exit.PIPE_CLOSED
    except OSError as error:
        if error.errno not in _NOT_WRITTEN:
            raise
        _print_no_more(sys.stdout)
        try:
            sys.stderr.write(f"The output could not be written: {error.strerror}; free space there, and try again\n")
        except OSError:  # nor can this: both lead to the same place
            _print_no_more(sys.stderr)
        return Exit.NOT_WRITTEN


def _prepare_streams() -> None:
    """Let streams that were closed (`>&-`) lead nowhere, and let the others take any text."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 # until the process ends
    if os.environ.get("COLUMNS", "").strip() == "0":
        del os.environ["COLUMNS"]  # some terminals do not know their width; the libraries would print nothing
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # these are text streams


def _print_no_more(stream: TextIO) -> None:
    """Let the rest of a stream's buffer go nowhere, without a traceback at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _complete(shell: str) -> int:
    """Answer the script of a shell that completes words."""
    from service.cli.completion import answer

    sys.stdout.write(answer(shell, os.environ, sys.argv[1:], _run_command))
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

    from service.cli.app import command_line
    from service.cli.input.usage import not_utf8, usage_of

    try:
        status: Any = command_line()(prog_name=NAME, standalone_mode=False)
    except TyperException as error:
        if _is_help(error):
            return Exit.OK
        raise Failure(Exit.USAGE, usage_of(error)) from None
    except UnicodeEncodeError as error:
        raise Failure(Exit.USAGE, not_utf8(sys.argv[1:])) from error
    return status if isinstance(status, int) else Exit.OK


def _is_help(error: Any) -> bool:
    """Tell whether this is the end of a group of commands that was named alone: its help, printed already."""
    return type(error).__name__ == "NoArgsIsHelpError"


if __name__ == "__main__":
    sys.exit(main())
