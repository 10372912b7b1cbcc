"""Reads a line as typed behind `/model` into arguments of the command line; no shell has a part.

Quotes hold words together where they stand around whole words; any other sign, an apostrophe or a
quote that never closes, is text. The task of `route`, `run` and `classify` keeps its spacing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import click

from mcp_router.cli.group import ENTRIES, cli
from mcp_router.config.nearest import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

VERBS = tuple(name for name in ENTRIES if name not in ("model", "serve"))
TASK_VERBS = ("route", "run", "classify")
"""Verbs that are followed by free text."""

_PREFIX = re.compile(
    r"\s*(?:/(?:[\w-]+[:.])*(?:mcp__[\w-]+__)?model|mcp-router(?:\s+model)?)(?=\s|$)", re.IGNORECASE
)
# An alternative never matches what another one could: a long text without an end costs no more.
_WORD = re.compile(
    r"(?P<option>--[\w-]+=)?(?:"
    r'"(?P<double>(?:\\["\\]|[^"\\]|\\(?!["\\]))*)"'
    r"|'(?P<single>[^']*)'"
    r"|“(?P<curly>[^“”]*)”"
    r")(?=\s|$)|\S+"
)
_MOST_LETTERS = 20
_TYPO, _ALIKE = 0.75, 0.6


class Word(NamedTuple):
    """A word of a line and where it stands; `quoted` tells that it was within quotes."""

    text: str
    start: int
    end: int
    quoted: bool = False


class UnknownVerbError(click.UsageError):
    """A line begins with no verb; `meant` is the likeliest one, "" if none is like it."""

    def __init__(self, word: str, *, meant: str) -> None:
        self.meant = meant
        guess = f"Did you mean {meant}?" if meant else f"Verbs: {', '.join(VERBS)}."
        super().__init__(f'There is no verb {word[:40]!r}. {guess} For a task: route "…"')


def arguments(line: str) -> list[str]:
    """Return the arguments that a line stands for; none for a bare one.

    A line that begins with no verb is a task to route, unless its first word looks like one.

    Raises:
        UnknownVerbError: the first word is no verb; names the nearest.
    """
    prefix = _PREFIX.match(line)
    body = line[prefix.end() :] if prefix else line
    words = list(_words(body))
    verb, words = _verb(words)
    if verb in TASK_VERBS:
        return [verb, *_with_task(words, options=_options(verb), body=body)]
    return [*([verb] if verb else []), *(word.text for word in words)]


def with_verb(words: Sequence[str]) -> list[str]:
    """Return the arguments for words that a shell has parted already.

    Raises:
        UnknownVerbError: the first word is no verb; names the nearest.
    """
    verb, rest = _verb([Word(text, 0, 0) for text in words])
    return [*([verb] if verb else []), *(word.text for word in rest)]


def _words(body: str) -> Iterator[Word]:
    for found in _WORD.finditer(body):
        inner = next((text for text in found.group("double", "single", "curly") if text), None)
        quoted = inner is not None or found[0] in ('""', "''", "“”")
        if not quoted:
            yield Word(found[0], *found.span())
            continue
        text = (inner or "").replace('\\"', '"') if found["double"] else inner or ""
        option = found["option"] or ""
        yield Word(option + text, *found.span(), quoted=not option)


def _verb(words: list[Word]) -> tuple[str, list[Word]]:
    """Part the verb from what follows; "" where there is none but options."""
    if not words or (words[0].text.startswith("-") and not words[0].quoted):
        return "", words
    first = words[0]
    name = first.text.lower()
    if name in VERBS and not first.quoted:
        return name, words[1:]
    if first.quoted or " " in name.strip():
        return "route", words
    meant = _meant(name, alone=len(words) == 1)
    if meant or len(words) == 1:
        raise UnknownVerbError(first.text, meant=meant)
    return "route", words


def _meant(name: str, *, alone: bool) -> str:
    """Name the verb that was meant; of a word within a task only a slip of the hand counts."""
    if len(name) > _MOST_LETTERS:
        return ""
    close = nearest(name, VERBS, cutoff=_ALIKE if alone else _TYPO)
    likely = [
        verb for verb in close if alone or (verb[0] == name[0] and abs(len(verb) - len(name)) < 2)
    ]
    return likely[0] if likely else ""


def _options(verb: str) -> Mapping[str, click.Option]:
    command = cli.get_command(click.Context(cli), verb)
    params = command.params if command else []
    return {
        name: param for param in params if isinstance(param, click.Option) for name in param.opts
    }


def _with_task(
    words: Sequence[Word], *, options: Mapping[str, click.Option], body: str
) -> list[str]:
    """Part the options from the task, which comes last and behind a `--`."""
    given, runs = list[str](), list[list[Word]]()
    waiting = iter(words)
    for word in waiting:
        name, mark, _ = word.text.partition("=")
        option = None if word.quoted else options.get(name)
        if word.text == "--" and not word.quoted:
            runs.append(list(waiting))
        elif option is not None or _is_option(word, options):
            given.append(word.text)
            runs.append([])
            if option is not None and not mark and not option.is_flag:
                given += [value.text for value in (next(waiting, None),) if value]
        else:
            runs = runs or [[]]
            runs[-1].append(word)
    task = " ".join(_text(run, body) for run in runs if run)
    return [*given, "--", task] if any(runs) else given


def _is_option(word: Word, options: Mapping[str, click.Option]) -> bool:
    """Say whether a word was meant as an option: others, as of `git log --oneline`, are text."""
    name = word.text.partition("=")[0]
    if word.quoted or not re.fullmatch(r"--[\w-]+", name):
        return False
    return name == "--help" or bool(nearest(name, options, cutoff=_TYPO))


def _text(run: Sequence[Word], body: str) -> str:
    if all(word.quoted for word in run):
        return " ".join(word.text for word in run)
    return body[run[0].start : run[-1].end]
