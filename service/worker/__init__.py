"""The worker: RQ's Worker, changed so that it starts, watches and ends runs as this service promises.

`supervisor` keeps the worker processes up, `serving` is one of them from its start to its end, `process` is its RQ
worker, `watching` watches the runs of its work horse. `horse` is the child process in which bots run: it takes runs by
itself (`taking`, `waiting`) and shows on the `board` which one it is at. `ipc` has the rest of what links the two,
`runner` carries out one run, and `endings` records how it ended.
"""
