"""Who may do what: keys, sessions of the console, and the profiles of this command line."""
