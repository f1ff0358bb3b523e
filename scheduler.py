"""The scheduler process: `python scheduler.py`."""

from service.scheduler.main import main

if __name__ == "__main__":
    main()
