"""What a bot leaves behind in its process that the next run would meet; `untouched` compares, the others look."""
