"""The API: resources, a module for each noun, and their OpenAPI document."""
