"""The worker: a supervisor and its worker processes. Short on purpose: RQ may be imported only after this."""

from __future__ import annotations

import os

from service.startup import start_process


def main() -> None:
    """Keep `WORKER_CONCURRENCY` worker processes up until SIGTERM or SIGINT.

    Raises:
        SystemExit: a setting is malformed.
    """
    settings = start_process("worker")
    # Imported only now: RQ reads the environment when it is imported, and start_process has just checked it.
    from service.bots.support.secrets import Vault
    from service.worker.serving import work
    from service.worker.supervisor import Supervisor

    # Before a bot is loaded, so that neither bots nor the processes that they start find secrets in the environment.
    vault = Vault.taken_out_of(os.environ)
    Supervisor(lambda: work(settings, vault), settings.worker_concurrency).run()


if __name__ == "__main__":
    main()
