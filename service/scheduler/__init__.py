"""The scheduler process: from due occurrences to runs in RQ's queue."""
