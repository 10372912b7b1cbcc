"""Pure: outcomes in, beliefs out; which model is probably good enough for which work."""
