"""Programs for whoever develops Bot Scheduler; the service does not need them."""
