"""Access in Redis: stored API keys, and sessions of the console."""
