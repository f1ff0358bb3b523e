"""The worker processes: `python worker.py`."""

from __future__ import annotations

from service.startup import start_process


def main() -> None:
    settings = start_process("worker")
    # Only now: RQ reads the environment as it is imported, and that was looked at just now.
    from service.worker.serving import work
    from service.worker.supervisor import Supervisor

    Supervisor(lambda: work(settings), settings.worker_concurrency).run()


if __name__ == "__main__":
    main()
