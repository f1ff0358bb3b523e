"""The web process: the API, the console, rq-dashboard and the metrics."""
