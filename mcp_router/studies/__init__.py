"""Experiments as they are carried out, and calls that are made beside the user's."""
