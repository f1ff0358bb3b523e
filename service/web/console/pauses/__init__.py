"""Pages of pauses, and the banner of every page while one is in force."""
