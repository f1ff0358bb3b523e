"""What people and programs read: tables, JSON, reports and errors."""
