"""Experiments and lessons as they are carried out, and calls beside the user's."""
