"""The worker: RQ's Worker, changed so that it starts, watches and ends runs as this service promises.

`supervisor` keeps the worker processes up, `serving` is one of them from its start to its end, `process` is its RQ
worker, `watching` watches the runs of its work horse. `horse` is the child process in which bots run, `ipc` is the link
between the two, `runner` carries out one run, and `endings` records how it ended.
"""
