"""The function that RQ's stored records name: `service.runner.run`. Its code is in `service.worker.runner`."""

from service.worker.runner import run

__all__ = ["run"]
