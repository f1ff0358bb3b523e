"""HTTP for the API and the console: access, bodies, paging, errors, streams."""
