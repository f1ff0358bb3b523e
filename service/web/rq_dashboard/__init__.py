"""rq-dashboard, mounted read-only under `/rq`."""
