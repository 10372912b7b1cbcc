"""Records, money and reports in one SQLite file."""
