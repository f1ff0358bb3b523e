"""What every peer is given to do: nothing, and where asked, a line that says when it began to."""

from __future__ import annotations

import os
import time


def instants(first: float, count: int) -> list[float]:
    """One instant in each second from `first` on, at ever other parts of it, so that no poll of a second keeps step."""
    return [round(first + number + number * 0.618 % 1, 3) for number in range(count)]


def noop(due: float | None = None) -> int:
    """Does nothing. With `due`, appends it and the time of this machine's clock to the file that BENCH_TRACE names."""
    now = time.time()
    if due is not None:
        trace = os.open(os.environ["BENCH_TRACE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(trace, f"{due} {now}\n".encode())
        os.close(trace)
    return 1
