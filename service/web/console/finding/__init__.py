"""What finds something for somebody, or takes it away: the palette's search, and runs as a file."""
