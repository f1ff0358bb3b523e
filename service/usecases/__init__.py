"""What one can do with the service: plain JSON in and out, for the API and the console alike."""
