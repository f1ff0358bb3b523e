"""Use cases about what is to come: dry runs of changes, changes of clocks, feeds."""
