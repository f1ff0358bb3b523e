"""Followed logs and waits of a web process, without the process."""
