"""The worker: RQ's Worker, made to start, watch and end runs as this service promises.

`supervisor` keeps the worker processes up, `process` is one of them, `horse` is the child in which a bot runs.
"""
