"""Lists that are sorted, searched and counted over everything."""
