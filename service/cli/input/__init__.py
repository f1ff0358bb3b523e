"""What people type: arguments, flags and files."""
