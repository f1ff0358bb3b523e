"""All Redis commands that are ours. Nothing above this package names a key or a command."""
