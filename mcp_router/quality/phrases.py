"""The phrases of phrases.toml, compiled: how models refuse, hedge or ask back."""

from __future__ import annotations

import re
from functools import cache

from mcp_router.quality.tables import alternatives, table


@cache
def refusal_pattern(*, sure: bool) -> re.Pattern[str]:
    """Compile the refusals, for use with `match` on one folded sentence.

    `sure` leaves out those that a character in a story or a correspondent might utter as well.
    """
    sections = ("sure",) if sure else ("sure", "likely")
    each = [
        alternatives("phrases", name, key) for name in sections for key in table("phrases")[name]
    ]
    lead = alternatives("phrases", "parts", "lead")
    return re.compile(f"{lead}(?:{'|'.join(each)})")
