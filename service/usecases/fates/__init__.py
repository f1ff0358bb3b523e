"""What became of each occurrence: accounts of jobs, and explanations."""
