"""What watches the installation, in Redis: leases of tasks, what is seen, the troubles that are on, unsent alerts."""
