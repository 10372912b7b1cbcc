"""Complexity and priority: short hard prompts are not simple, grave ones are critical."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.routing.classify import classify
from mcp_router.types import Classification, Complexity, Message, Request

ORDER = list(Complexity)


def found(text: str) -> Classification:
    return classify(Request(messages=(Message(role="user", content=text),)))


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "thanks!",
        "What is the capital of Norway?",
        "Fix the typo in the README",
        "Capitalize 'monday'",
        "Translate 'data breach' into Spanish",
        "Write a short poem about an emergency room",
        "Who wrote Dracula?",
        "write a python function to reverse a linked list",
        "Summarize this: " + "The choir sang in the old hall and people liked it. " * 30,
    ],
)
def test_everyday_asks_are_simple(text: str) -> None:
    assert found(text).complexity is Complexity.SIMPLE


@pytest.mark.parametrize(
    "text",
    [
        "Prove that every finite group of order p^2 is abelian.",
        "Prove there are infinitely many primes congruent to 3 mod 4.",
        "Which diastereomer dominates in this pericyclic reaction, and by which mechanism?",
        "Is a verbal agreement to sell land enforceable under the statute of frauds?",
        "72 year old patient on warfarin presents with INR 9, no bleeding. Management?",
        "Show that the problem is NP-complete by reduction from 3-SAT.",
        "Beweise den Satz von Bolzano-Weierstraß.",
        "证明素数有无穷多个。",
    ],
)
def test_short_hard_prompts_are_not_simple(text: str) -> None:
    assert found(text).complexity in {Complexity.COMPLEX, Complexity.CRITICAL}


@pytest.mark.parametrize(
    "text",
    [
        "Production is down, all payments fail since the last deploy. Fix it now.",
        "Write a migration that moves live customer data to the new schema without downtime.",
        "There is an SQL injection in our login endpoint, patch it.",
        "What is the maximum dosage of paracetamol for a 12 kg child?",
        "Review this payment processing code for authentication bypass and data loss.",
        "Die Produktionsdatenbank ist ausgefallen, Datenverlust droht. Was tun?",
    ],
)
def test_grave_work_is_critical_and_comes_first(text: str) -> None:
    judged = found(text)
    assert judged.complexity is Complexity.CRITICAL
    assert judged.priority == 5


@pytest.mark.parametrize(
    "text",
    [
        "Add a nullable column to the payments table and write the migration.",
        "Make the billing page of our customers load faster.",
        "Group payments by month in SQL.",
    ],
)
def test_money_and_customers_in_passing_are_no_emergency(text: str) -> None:
    assert found(text).complexity in {Complexity.SIMPLE, Complexity.MEDIUM}


@pytest.mark.parametrize(
    "text",
    [
        "Our payments API answers 500 for all customers since an hour ago.",
        "Login is broken for everyone in production.",
    ],
)
def test_what_hits_everybody_is_an_emergency(text: str) -> None:
    assert found(text).complexity is Complexity.CRITICAL


@pytest.mark.parametrize(
    "text",
    [
        "Design a distributed rate limiter for a multi-region API gateway with strict consistency.",
        "Implement a linearizable lock-free queue in C++ with hazard pointers, and test it.",
    ],
)
def test_demanding_engineering_is_complex(text: str) -> None:
    assert found(text).complexity is Complexity.COMPLEX


def test_more_requirements_never_make_work_easier() -> None:
    text = "Write a service that stores orders."
    steps = [text]
    for more in ("It must be fault tolerant.", "Ensure transactions and consistency.",
                 "Handle concurrency and support replication across regions."):  # fmt: skip
        steps.append(f"{steps[-1]} {more}")
    levels = [ORDER.index(found(step).complexity) for step in steps]
    assert levels == sorted(levels)
    assert levels[-1] > levels[0]


@given(st.lists(st.sampled_from(["qwop", "zxcv", "uiop", "hjkl"]), min_size=12, max_size=60))
def test_an_ask_nobody_understands_is_not_taken_for_simple(words: list[str]) -> None:
    judged = found(" ".join(words))
    assert judged.confidence < 0.5
    assert judged.complexity is not Complexity.SIMPLE


@pytest.mark.parametrize(
    ("text", "priority"),
    [
        ("No rush: rename the variable when you have time", 1),
        ("hi there", 2),
        ("Write a function that reverses a string", 3),
        ("Urgent: fix the broken build", 4),
    ],
)
def test_priority_follows_the_wording(text: str, priority: int) -> None:
    assert found(text).priority == priority
