"""Detection of what a bot leaves behind in its process: `untouched` compares, the other modules look."""
