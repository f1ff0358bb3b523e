"""The connection to the service: where it is, its API, and the jobs and logs found there."""
