"""Who is in which arm: a stable hash, so that the same unit always meets the same arm."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import NamedTuple


class Arm(NamedTuple):
    """One arm of an experiment and its share of the traffic, relative to the other weights."""

    name: str
    weight: float = 1.0


def assign(unit: str, *, experiment: str, arms: Sequence[Arm]) -> str:
    """Name the arm that a unit (a session, a user, a prompt's hash) belongs to.

    Weighted rendezvous hashing: an arm is chosen with its share of the weights, the order of the
    arms does not matter, and when an arm stops or its weight changes only the units move that must.
    Different experiments split independently. Source: Wang, Ravishankar (2012), "Weighted
    distributed hash tables"; Thaler, Ravishankar (1998).

    Raises:
        ValueError: no arm has a positive weight, a weight is negative, or two share a name.
    """
    names = {arm.name for arm in arms}
    if len(names) < len(arms) or any(not 0 <= arm.weight < math.inf for arm in arms):
        raise ValueError("arms need different names and weights of 0 or more")
    open_arms = [arm for arm in arms if arm.weight > 0]
    if not open_arms:
        raise ValueError("an experiment needs an arm with a positive weight")
    return max(open_arms, key=lambda arm: (_priority(unit, experiment, arm), arm.name)).name


def _priority(unit: str, experiment: str, arm: Arm) -> float:
    digest = hashlib.blake2b(digest_size=8)
    for text in (experiment, unit, arm.name):
        data = text.encode("utf-8", "surrogatepass")
        # With their lengths, so that no two triples hash the same bytes.
        digest.update(len(data).to_bytes(8, "big") + data)
    chance = (int.from_bytes(digest.digest(), "big") + 0.5) / 2**64
    return -arm.weight / math.log(chance) if chance < 1.0 else math.inf
