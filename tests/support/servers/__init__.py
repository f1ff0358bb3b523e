"""Servers that tests start: Redis and its TLS, mail, web sites, address books."""
