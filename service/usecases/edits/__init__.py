"""Use cases of changed occurrences."""
