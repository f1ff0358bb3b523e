"""Documents of definitions: reading, writing and comparing them."""
