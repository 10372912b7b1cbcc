"""The sample prompts of the demo: of many kinds, sizes and languages."""

from __future__ import annotations

SAMPLES = (
    "What is the capital of Mongolia?",
    "Rename the variable tmp to remaining_seats everywhere in this function.",
    "Our checkout test fails only on CI, about one run in five. Find the race and fix it.",
    "Design a ledger for 40 countries that survives the loss of a region without losing money.",
    "Prove that there are infinitely many primes of the form 4k + 3.",
    "Traduis cette notice en espagnol : « Débrancher l'appareil avant tout nettoyage. »",
    "Fasse das Protokoll der Sitzung in fünf Punkten für den Vorstand zusammen.",
    "写一首关于深夜地铁的短诗。",
    "Extract sender, date and total of each invoice below as JSON with those three keys.",
    "Review this migration for data loss: it drops two columns and backfills a third.",
)
