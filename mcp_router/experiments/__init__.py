"""Experiments between models or settings: who is in which arm, and what may be concluded when."""
