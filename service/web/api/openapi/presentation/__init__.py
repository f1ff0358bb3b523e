"""What the OpenAPI document has for its readers: groups, short names, examples, and the page at `/docs`."""
