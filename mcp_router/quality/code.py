"""Whether the code in an answer parses; nothing is ever run."""

from __future__ import annotations

import ast
import json
import re
import textwrap
import tomllib
import warnings
from collections.abc import Callable, Iterator, Mapping

from mcp_router.quality.signals import Signal
from mcp_router.quality.voice import Block, Layout

# In characters: longer code is not looked at.
_LONGEST = 200_000
_PYTHON = frozenset({"python", "py", "python3"})
# Brackets of these languages must balance outside strings and comments.
_BRACES = frozenset(
    {"c", "cpp", "c++", "cc", "h", "hpp", "java", "js", "javascript", "jsx", "ts", "typescript"}
    | {"tsx", "go", "golang", "rust", "rs", "csharp", "cs", "c#", "kotlin", "kt", "swift", "scala"}
    | {"php", "dart", "css", "scss"}
)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_STRING = re.compile(
    r'"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`|' + r"'(?:[^'\\\n]|\\.){0,400}'", re.DOTALL
)
_PROMPT = re.compile(r"^(?:>>>|\.\.\.) ?")
# "..." or a named gap stands for what the reader fills in.
_GAP = re.compile(r"^\s*(?:\.\.\.|\u2026|<[^<>\n]+>)\s*,?\s*$", re.MULTILINE)


def code_signal(answer: Layout) -> Signal | None:
    """Find fenced code that does not parse, in Python, JSON, TOML and languages with braces."""
    problems = [_problem(block) for block in answer.blocks if block.text.strip()]
    checked = [problem for problem in problems if problem is not None]
    broken = [problem for problem in checked if problem]
    if not broken:
        return None
    return Signal("code", max(0.5, len(broken) / len(checked)), broken[0])


def parses(text: str, *, language: str) -> bool | None:
    """Check whether code parses; None where the language is not known or the text too long."""
    problem = _problem(Block(language.lower(), text, closed=True))
    return None if problem is None else not problem


def _problem(block: Block) -> str | None:
    """Say what is wrong with a block: "" for nothing, None where that cannot be told."""
    if len(block.text) > _LONGEST:
        return None
    if block.language in _BRACES:
        return _unbalanced(block.text)
    check = _CHECKS.get("python" if block.language in _PYTHON else block.language)
    if check is None:
        return None
    for text in _variants(block):
        try:
            check(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        return ""
    return f"its {block.language} does not parse"


def _variants(block: Block) -> Iterator[str]:
    """Yield a block as it stands, then in the ways in which a good excerpt may differ from code."""
    text = textwrap.dedent(block.text)
    yield text
    if block.language not in _PYTHON:
        if _GAP.search(text) or "..." in text or "//" in text:
            yield "null" if block.language.startswith("json") else ""
        return
    lines = text.splitlines()
    if any(line.startswith(">>>") for line in lines):
        yield "\n".join(_PROMPT.sub("", line) for line in lines if _PROMPT.match(line))
    # Cell and shell commands of notebooks.
    text = "\n".join("pass" if line.lstrip()[:1] in {"!", "%"} else line for line in lines)
    yield text
    yield _GAP.sub("    pass", text)
    yield f"{text.rstrip()}\n    pass"
    yield f"def excerpt():\n{textwrap.indent(text, '    ')}"


def _python(text: str) -> None:
    with warnings.catch_warnings():
        # An odd escape is a matter of style, and of stderr.
        warnings.simplefilter("ignore")
        ast.parse(text)


def _unbalanced(text: str) -> str:
    bare = _STRING.sub("", _COMMENT.sub("", text))
    pairs = {")": "(", "]": "[", "}": "{"}
    opened: list[str] = []
    for sign in re.findall(r"[()\[\]{}]", bare):
        if sign in pairs.values():
            opened.append(sign)
        elif not opened or opened.pop() != pairs[sign]:
            return "the brackets in its code do not match"
    return "its code ends before its brackets close" if opened else ""


_CHECKS: Mapping[str, Callable[[str], object]] = {
    "python": _python,
    "json": json.loads,
    "toml": tomllib.loads,
}
