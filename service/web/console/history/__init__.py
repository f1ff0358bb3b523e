"""Pages of what jobs were: former definitions, and deleted jobs."""
