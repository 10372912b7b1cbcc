"""Marks: what the shape of a prompt shows, such as a stack trace, a diff, a table or a formula.

All patterns run on folded text of at most 6,000 characters and in time linear in it, and most
only where one of their hints is in the text: looking for a word is far cheaper than matching.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

_FENCE = r"```[ \t]*([\w+#-]*)(.*?)(?:```|\Z)"
# What stands in quotes is mostly what the work is done on, not what is asked.
_PHRASE = r"'(?<!\w')[^'\n]{6,300}'(?!\w)|\"[^\"\n]{6,400}\""
_QUOTED = r'"""(.*?)"""|<(document|text|article|context|passage|email)>(.*?)</\2>'
_EXTENSIONS = (
    "py|pyi|js|jsx|mjs|ts|tsx|java|go|rs|rb|php|c|h|cc|cpp|hpp|cs|swift|kt|scala|sh|sql|html|css"
    "|scss|vue|json|ya?ml|toml|ipynb|tf|proto|dart|lua|sol"
)
_FILE = rf"(?<![\w./\\@~-])([\w./\\@~-]{{1,160}})\.(?:{_EXTENSIONS})\b(?!\.?\w)"
_EXTENSION = rf"\.(?:{_EXTENSIONS})\b(?!\.?\w)"
_OF_NAMES = "abcdefghijklmnopqrstuvwxyz0123456789_./\\@~-"
_LONGEST_NAME = 160
_ONLY_WORDS = "".join(chr(n) if chr(n).isalnum() or n == 95 else " " for n in range(128))
_LIBRARIES = {"node", "vue", "next", "react", "three", "d3", "express", "nuxt", "angular", "chart"}
_CODE_LINE = (
    r"\s*(?:def \w+ ?\(|class \w+ ?[:({]|import [\w.{*]|from [\w.]+ import|#include|using [\w.]+;"
    r"|(?:public|private|protected|static|async|export) \w|fn \w+|func [\w(]|function\b"
    r"|const \w+ ?=|let \w+ ?=|var \w+|return\b|if ?\(.*\{|for ?\(|while ?\(|elif .*:$"
    r"|else ?[:{]?$|try ?[:{]$|except\b.*:$|print\(|console\.|@\w+$|</?\w+[^>]*>|\$\w+ ?="
    r"|package [\w.]+;?$|declare @|//|/\*|\*/|#!|[{}\])];?,?$|for \w+ in .*:$|if .*:$|while .*:$"
    r"|.*[;{]$|[\w.]+\(.*\);?$)"
)
_ASSIGNMENT = r"\s*[\w.\[\]'\"]+ ?[+*/-]?= ?\S.*$"
_TRACE = (
    r"traceback \(most recent call last\)|file \".{1,200}\", line \d+"
    r"|panicked at|goroutine \d+ \["
    r"|exception in thread|caused by: \w+\.|unhandled (?:exception|(?:promise )?rejection)"
    r"|stack backtrace:"
)
_FRAME = (
    r"(?m)^[ \t]*at (?:[\w.$<>\[\] ]{1,120}\(.{0,200}?\)?(?::\d+)?"
    r"|.{1,200}:line \d+|.{1,200}:\d+:\d+)"
)
_ERROR = r"error(?:(?<=[a-z][a-z]error)\b|(?:\[e|:| ts| cs| c)\d{2,5}|(?<=\berror):|(?<=\[error)\])"
_EXCEPTION = r"exception(?<=[a-z][a-z]exception)\b"
_FAILURE = r"exit(?:ed with)? (?:code|status) [1-9]|\bfatal:|\berrno\b|status code [45]\d\d"
_SAID_OF_ERRORS = (
    *("segmentation fault", "undefined reference to", "npm err!", "command not found"),
    *("is not a function", "is not defined", "no such file", "cannot read propert"),
    *("unexpected token", "permission denied", "core dumped", "connection refused"),
)
_DIFF = r"(?m)^[ \t]*diff --git |^[ \t]*@@ -\d|^[ \t]*--- a/|^[ \t]*\+\+\+ b/"
_SQL = (
    r"\bselect\s+(?:\*|distinct\b|count\(|sum\(|[\w.]+\s*,)|\bcreate table \w|\binsert into \w"
    r"|\bjoin \w+ \w* ?on\b|\bgroup by \w+"
)
_CSV_LINE = r"(?m)^(?:[^,\n]{0,40},(?! )){2,20}[^,\n]{0,40}$"
_TAB_LINE = r"(?m)^[^\t\n]{0,60}(?:\t[^\t\n]{0,60}){2,20}$"
_HEADING = r"(?m)^[ \t]*(?:#{1,4} \w|- ?\[[x ]\])"
# Code that stops after a signature, a docstring or a placeholder asks to be completed.
_UNFINISHED = (
    r"(?:\"\"\"|'''|\bdef [^\n]{1,200}:)\s*(?:pass|\.\.\.)?\s*(?:```)?\s*\Z"
    r"|\btodo\b|your code here|not ?implemented|complete (?:the|this) (?:code|function)"
)
_QUANTITY = r"\bhow (?:many|much|long|far|fast|old|often)\b|\b(?:wie ?viele?|combien|cuant[oa]s)\b"
_AMOUNTS = ("how ", "wie", "combien", "cuant")
_PAGES = r"\b\d{2,4}(?: |-)pages?\b"
_LATEX = (
    r"\\(?:frac|sqrt|int|sum|prod|mathbb|mathrm|cdot|times|leq?|geq?|infty|alpha|beta|theta|pi|lim"
    r"|log|sin|cos|tan|forall|exists|left|overline|angle|triangle|circ|equiv|pmod|binom|l?dots|neq?"
    r"|begin\{(?:equation|align|array|[pb]matrix|cases))\b"
    r"|\$[^$\n]{0,80}[\\^_=+<>][^$\n]{0,80}\$|\$[a-z]\$|\$\(?-?[\w,(){}^+*/=<>\\-]{1,40}\$|\[asy\]"
)
# What a formula begins with, and how; each is tried only where there is such a sign.
_OF_LETTERS = r"\b[a-z](?:\([a-z]\))?\s?=\s?[-\d(a-z√]|\b[a-z]\)?\s?\^\s?[\d{(]"
_OF_DIGITS = (
    r"\d(?:\s?[a-z]\s?[+=-]\s?\d|\s?% of \d|\s?[\u00d7x]\s?10\s?\^"
    r"|(?<![\w.:/-].)\d*(?:\.\d+)?\s?[+*/\u00d7÷^]\s?\d+(?![\w/:-])|(?<!\w.)\d*\s?-\s?\d+\s?=)"
)
_OF_MATHS = r"[∀∃∑∫√≤≥≠∞⊂∈∂∇⊕]"
_ASCII_SIGNS = "=^+*/%-"
_NUMBER = r"\d(?:[.,]?\d)*"
_IDENTIFIER = r"[a-z0-9]_[a-z]|\w\(\)|`[^`\n]{1,60}`"
_ROLE = (
    r"\s*(?:you(?:'re| are)\b|act (?:as|like)|pretend|imagine you|(?:assume|take on) the role"
    r"|as an? )"
)
_WIDE = r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
_EMOJI = r"[\u2600-\u27bf\U0001f300-\U0001faff]"

# Mark, hints of which one must be in the text, pattern.
_OF_CODE = (
    (
        "stack trace",
        (
            *("traceback", 'file "', "panicked", "goroutine", "exception", "caused by", "unhand"),
            "backtrace",
        ),
        _TRACE,
    ),
    ("stack trace", ("at ",), _FRAME),
    ("error message", _SAID_OF_ERRORS, ""),
    ("error message", ("error",), _ERROR),
    ("error message", ("exception",), _EXCEPTION),
    ("error message", ("exit", "fatal:", "errno", "status code"), _FAILURE),
    ("diff", ("diff --git", "@@ -", "--- a/", "+++ b/"), _DIFF),
    ("SQL", ("select ", "create table", "insert into", "join ", "group by"), _SQL),
)
_OF_PROSE = (
    ("LaTeX", ("\\", "$", "[asy]"), _LATEX),
    ("identifier", ("_", "()", "`"), _IDENTIFIER),
)
_ASKS = (
    r"\W*(?:wh(?:at|o|om|ose|en|ere|ich|y)|how|is|are|was|were|do|does|did|ha[sv]e?|should|wer|wie"
    r"|wann|wo|warum|welche[rs]?|qui|que|quoi|quand|comment|pourquoi|quel(?:le)?|combien|quien"
    r"|cuando|donde|cual|como|cuanto|chi|cosa|quando|dove|perche|qual|quanto|onde|quem|wat|wanneer"
    r"|waar|waarom|welke|hoeveel|kto|co|kiedy|gdzie|dlaczego|jaka?|jaki|кто|что|когда|где|почему"
    r"|как|какая|какой|сколько|зачем)\b"
)


class Marks(NamedTuple):
    """The marks found, the prose left when code is taken out, its words, and the code's share."""

    names: tuple[str, ...]
    prose: str
    words: int
    code_share: float


def find_marks(ask: str) -> Marks:
    """Find the marks of a folded ask and separate its prose from its code."""
    prose, code = _without_code(ask)
    names = ["code block"] if code else []
    names += _matching(ask, _OF_CODE)
    if code and re.search(_UNFINISHED, ask):
        names.append("unfinished code")
    if _is_table(ask):
        names.append("table")
    if "\n" in ask and len(re.findall(_HEADING, ask)) >= 2:
        names.append("issue template")
    if '"""' in prose or "</" in prose:
        prose, quotes = re.subn(_QUOTED, " quoted_text ", prose, flags=re.DOTALL)
        names += ["quoted text"] * bool(quotes)
    if "." in prose:
        unnamed = _without_files(prose)
        names += ["file name"] * (unnamed != prose)
        prose = unnamed
    words = _count_words(prose)
    names += ["page count"] * ("page" in prose and re.search(_PAGES, prose) is not None)
    names += _prose_marks(prose, words=words, code=code)
    share = max(0.0, 1 - len(prose) / len(ask)) if ask else 0.0
    return Marks(tuple(dict.fromkeys(names)), _without_phrases(prose), words, share)


def _without_code(ask: str) -> tuple[str, bool]:
    """Take fenced code out, and unfenced lines of it where at least two surely are code."""
    prose = re.sub(_FENCE, " code_block ", ask, flags=re.DOTALL) if "```" in ask else ask
    fenced = prose is not ask and prose != ask
    lines = prose.split("\n")
    if len(lines) < 2:
        return prose, fenced
    sure = [bool(line) and re.match(_CODE_LINE, line) is not None for line in lines]
    if sum(sure) < 2:
        return prose, fenced
    kept = [
        line
        for line, code in zip(lines, sure, strict=True)
        if not code and not re.match(_ASSIGNMENT, line)
    ]
    return "\n".join([*kept, " code_block "]), True


def _without_phrases(prose: str) -> str:
    """Take quoted phrases out of the prose, unless hardly anything is left to read."""
    if "'" not in prose and '"' not in prose:
        return prose
    asked = re.sub(_PHRASE, " quoted_text ", prose)
    return asked if _count_words(asked) >= 4 else prose


def _matching(text: str, table: tuple[tuple[str, tuple[str, ...], str], ...]) -> Iterator[str]:
    for name, hints, pattern in table:
        for hint in hints:
            if hint in text:
                if re.search(pattern, text):
                    yield name
                break


def _without_files(prose: str) -> str:
    """Put a word in the place of file names, other than those that are names of libraries."""
    if not prose.isascii():
        return re.sub(_FILE, _file_word, prose)
    # A stop before an extension is found far quicker than a name.
    kept: list[str] = []
    start = 0
    for match in re.finditer(_EXTENSION, prose):
        before = prose[max(start, match.start() - _LONGEST_NAME) : match.start()]
        name = before[len(before.rstrip(_OF_NAMES)) :]
        if name and name not in _LIBRARIES:
            kept += (prose[start : match.start() - len(name)], " file_name ")
            start = match.end()
    return "".join([*kept, prose[start:]]) if kept else prose


def _file_word(match: re.Match[str]) -> str:
    return match[0] if match[1] in _LIBRARIES else " file_name "


def _count_words(prose: str) -> int:
    if prose.isascii():
        return len(prose.translate(_ONLY_WORDS).split())
    # Two characters of Chinese or Japanese, or Korean syllables, weigh about one word.
    spaced, wide = re.subn(_WIDE, " ", prose)
    return len(re.findall(r"\w+", spaced)) + wide // 2


def _is_table(ask: str) -> bool:
    if ask.count("|") >= 6 and sum(line.count("|") >= 3 for line in ask.split("\n")) >= 2:
        return True
    if ask.count("\t") >= 6 and len(re.findall(_TAB_LINE, ask)) >= 3:
        return True
    return ask.count(",") >= 6 and "\n" in ask and len(re.findall(_CSV_LINE, ask)) >= 3


def _prose_marks(prose: str, *, words: int, code: bool) -> Iterator[str]:
    asks = _is_question(prose)
    yield from _length_marks(prose, words=words, asks=asks)
    yield from (
        _code_marks(words=words, asks=asks)
        if code
        else _number_marks(prose, words=words, asks=asks)
    )
    yield from _matching(prose, _OF_PROSE)
    if _has_options(prose):
        yield "answer options"
    if words >= 40 and _is_puzzle(prose):
        yield "programming puzzle"
    if re.match(_ROLE, prose):
        yield "role"


def _length_marks(prose: str, *, words: int, asks: bool) -> Iterator[str]:
    if asks:
        yield "question" if words <= 40 else "question after a text"
        if words <= 14:
            yield "short question"
    if not words:
        yield "emoji only" if re.search(_EMOJI, prose) else "no words"
    elif words <= 3:
        yield "very short"


def _code_marks(*, words: int, asks: bool) -> Iterator[str]:
    if words <= 6:
        yield "only code"
    if asks:
        yield "code question"


def _number_marks(prose: str, *, words: int, asks: bool) -> Iterator[str]:
    # Formulas are dear to look for in long prose, their signs are not.
    if _calculates(prose):
        yield "formula"
    if words >= 15 and any(hint in prose for hint in _AMOUNTS) and re.search(_QUANTITY, prose):
        yield "quantity question"
    if words >= 8 and len([*islice(re.finditer(_NUMBER, prose), 3)]) == 3:
        yield "many numbers"
        if asks:
            yield "question with numbers"


def _calculates(prose: str) -> bool:
    if not prose.isascii() and re.search(_OF_MATHS, prose):
        return True
    if ("=" in prose or "^" in prose) and re.search(_OF_LETTERS, prose):
        return True
    signs = not prose.isascii() or any(sign in prose for sign in _ASCII_SIGNS)
    return signs and re.search(_OF_DIGITS, prose) is not None


def _is_question(prose: str) -> bool:
    return "?" in prose[-160:] or re.match(_ASKS, prose) is not None


def _has_options(prose: str) -> bool:
    at = 0
    if not any(f"c{end}" in prose for end in ").:"):
        return False
    for letter in "abc":
        option = re.compile(rf"(?:^|[\s(]){letter}[).:]\s?\S").search(prose, at)
        if option is None:
            return False
        at = option.end() - 1
    return True


def _is_puzzle(prose: str) -> bool:
    """Tell a programming contest's statement by its sections, three of these four."""
    named = ("constraint" in prose) + ("input" in prose) + ("output" in prose)
    if named != 2:
        return named == 3
    return re.search(r"\bexample \d|\bsample\b|\bexamples?:", prose) is not None
