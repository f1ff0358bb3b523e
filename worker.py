"""The worker processes: `python worker.py`."""

from __future__ import annotations

import os

from service.startup import start_process


def main() -> None:
    settings = start_process("worker")
    # Only now: RQ reads the environment as it is imported, and that was looked at just now.
    from service.bots.support.secrets import Vault
    from service.worker.serving import work
    from service.worker.supervisor import Supervisor

    vault = Vault.taken_out_of(os.environ)  # before a bot is loaded: neither it nor what it starts finds them there
    Supervisor(lambda: work(settings, vault), settings.worker_concurrency).run()


if __name__ == "__main__":
    main()
