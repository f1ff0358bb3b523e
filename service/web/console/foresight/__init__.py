"""Pages of what is to come."""
