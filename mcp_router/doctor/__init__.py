"""Looks over an installation, from Python to the hosts, and says how to mend what is wrong."""
