"""The connection to Redis: clients, errors, and checks of the server."""
