"""Python processes that are forked from one that has loaded their modules, instead of started anew.

A web process loads 1,900 modules, which takes a second and a half of CPU, and the suite starts hundreds of processes. A
forked one is as real: it has its own environment, folder, session and log, executes the same main module, and can be
killed like any other. What is about the start itself (README, `make up`, the wheel, deployments) starts Python.
"""

from tests.support.prefork.starting import Process, fork, start, too_late

__all__ = ["Process", "fork", "start", "too_late"]
