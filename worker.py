"""The worker processes: `python worker.py`."""

from service.worker.main import main

if __name__ == "__main__":
    main()
