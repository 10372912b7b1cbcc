"""What models exist, what they can do and what they cost."""
