"""All our Redis commands. Nothing above this package names a key or a command."""
