"""The server of the web process: gunicorn's worker, uvicorn's protocol, and the limits that both get from us."""
