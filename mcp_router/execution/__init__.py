"""Attempts: deadlines, retry, breaker, rate limits, fallback, and the money around each."""
