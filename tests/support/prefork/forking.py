"""The process that forks others: `python -m tests.support.prefork.forking FD`, with the socket that asks.

It loads the modules of the web process, the scheduler and the worker, and makes what is the same in each: the command
line, templates, assets. It begins nothing: no thread, no connection, no bot.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import select
import signal
import socket
import sys
import time
from typing import Any

import gunicorn.app.wsgiapp  # noqa: F401

import service.asgi
import service.scheduler.main
import service.scheduler.scheduler
import service.web.server.worker
import service.worker.main
import service.worker.serving
import service.worker.supervisor  # noqa: F401
from service.cli.app import command_line
from service.web.console.assets import ASSETS
from service.web.console.page import TEMPLATES

ASKED = 1 << 20
"""Bytes of the longest request: an environment."""


def serve(control: socket.socket) -> dict[str, Any] | None:
    """Fork a process for each request, and tell how each ended.

    Returns:
        In a new process what it is to be; None in this one, once nobody asks any more.
    """
    children: dict[int, socket.socket] = {}
    heard, wakes = socket.socketpair()
    heard.setblocking(False)
    wakes.setblocking(False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
    while True:
        ready, _, _ = select.select([control, heard], [], [])
        if heard in ready:
            heard.recv(4096)
            _tell_of_the_ended(children)
        if control in ready:
            asked, passed, _, _ = socket.recv_fds(control, ASKED, 4)
            if not asked:
                return None
            news, *streams = passed
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                os.close(news)
                for inherited in (control, heard, wakes, *children.values()):
                    inherited.close()
                _become(task := json.loads(asked), streams)
                return task  # type: ignore[no-any-return]
            for stream in streams:
                os.close(stream)
            children[pid] = socket.socket(fileno=news)
            children[pid].send(b"%d" % pid)


def _tell_of_the_ended(children: dict[int, socket.socket]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        with children.pop(pid) as news:
            try:
                news.send(b"%d" % os.waitstatus_to_exitcode(status))
            except OSError:
                pass  # nobody waits for it any more


def _become(task: dict[str, Any], streams: list[int]) -> None:
    """Make this process one of its own, as if it had been started."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.setsid()
    os.chdir(task["folder"])
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    for text in (sys.stdout, sys.stderr):
        text.reconfigure(write_through=True)  # type: ignore[union-attr]
    os.environ.clear()
    os.environ.update(task["environment"])
    time.tzset()
    sys.path[:0] = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


def run(arguments: list[str]) -> None:
    """Execute a main module as Python does: `-m module ...`, `-P -m module ...` or `file ...`."""
    if arguments[0] == "-P":
        arguments = arguments[1:]
    elif arguments[0] == "-m":
        sys.path.insert(0, os.getcwd())
    if arguments[0] == "-m":
        sys.argv[:] = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.path.insert(0, os.path.dirname(os.path.abspath(arguments[0])))
        sys.argv[:] = arguments
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    command_line()
    ASSETS.squeeze()
    for template in TEMPLATES.list_templates():
        TEMPLATES.get_template(template)
    gc.collect()
    gc.freeze()  # else each process would look through all of it when it ends
    task = serve(socket.socket(fileno=int(sys.argv[1])))
    if task is not None:
        run(task["arguments"])
