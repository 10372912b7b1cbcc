"""The settings: what they are, where they come from, and what they add to the catalogue."""
