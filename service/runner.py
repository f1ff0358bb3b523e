"""Stub for the function that RQ's stored records name, `service.runner.run`, which is in `service.worker.runner`.

Short on purpose: it only keeps that name.
"""

from service.worker.runner import run

__all__ = ["run"]
