"""The built-in bots, their tools, and the registry that also has the bots of installed packages."""
