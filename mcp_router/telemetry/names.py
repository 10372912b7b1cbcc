"""What the conventions call a provider."""

from __future__ import annotations

# The well-known values of gen_ai.provider.name that differ from our names.
_KNOWN = {"google": "gcp.gemini", "mistral": "mistral_ai", "xai": "x_ai"}


def provider_name(provider: str) -> str:
    """Return the value of `gen_ai.provider.name`; a provider without one keeps its own.

    >>> provider_name("google"), provider_name("together")
    ('gcp.gemini', 'together')
    """
    return _KNOWN.get(provider, provider)
