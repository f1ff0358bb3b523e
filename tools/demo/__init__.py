"""An installation of the size of real use, with a past: `make demo-large`."""
