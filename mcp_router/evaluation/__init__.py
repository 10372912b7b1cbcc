"""Scores a policy on recorded outcomes: what choosing models this way would have cost and given."""
