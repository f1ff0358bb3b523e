"""Words of the console's forms."""
