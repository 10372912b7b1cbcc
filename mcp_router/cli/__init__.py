"""The command line: parses, asks the router, and shows what it says."""
