"""HTTP and nothing else: resources, the API key, the shape of errors."""
