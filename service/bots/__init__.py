"""The bots that come with the service, and the registry that finds them and those of other packages."""
