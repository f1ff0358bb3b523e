"""The visitor bot: visits profile pages and notices changes."""
