"""The connection to the service: its address, its API, its jobs and logs."""
