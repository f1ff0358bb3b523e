"""What is wrong with the installation, judged by what a watching process sees. Pure."""
