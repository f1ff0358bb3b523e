"""The connection to Redis: clients, errors, and what kind of server answers."""
