"""The kinds of values that options take, each refused with what would be right instead."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mcp_router.cli.text import clean, mended

if TYPE_CHECKING:
    _ClickPath = click.Path[Path]
else:
    # Cannot be subscripted at run time before click 8.5.1.
    _ClickPath = click.Path

MAX_TOKENS = 10**12

_COUNT = re.compile(r"(\d[\d,_]*(?:\.\d+)?)\s*([kKmM]?)")
_SCALE = {"": 1, "k": 1_000, "m": 1_000_000}
_MOST_USD, _LEAST_USD = 1_000_000_000, Decimal("1e-9")
_DAY = 86_400


class _Kind(click.ParamType[Any]):
    """A type whose values are read from text by `read`."""

    expected = ""

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> object:
        if not isinstance(value, str):
            return value
        try:
            return self.read(value)
        except ValueError:
            self.fail(f"{clean(value[:60])!r} is not {self.expected}.", param, ctx)

    def read(self, text: str) -> object:
        """Read a value.

        Raises:
            ValueError: the text is no such value.
        """
        raise NotImplementedError


class _Usd(_Kind):
    name = "USD"
    expected = "an amount of US dollars from 0 up, such as 0.05"

    def read(self, text: str) -> Decimal:
        try:
            amount = Decimal(text.strip().removeprefix("$"))
        except InvalidOperation as error:
            raise ValueError(text) from error
        if not amount.is_finite() or not 0 <= amount <= _MOST_USD:
            raise ValueError(text)
        # Less than a nano-dollar would count as nothing, and be written as a row of zeros.
        if 0 < amount < _LEAST_USD:
            raise ValueError(text)
        return amount or Decimal(0)


class _Limit(_Kind):
    name = "USD"
    expected = "an amount of US dollars such as 20, or none to lift the limit"

    def read(self, text: str) -> Decimal | str:
        return "none" if text.strip().lower() == "none" else USD.read(text)


class _Scope(_Kind):
    """A name with or without a limit; the last = parts them."""

    name = "NAME[=USD]"
    expected = "a name, or a name and a limit such as site=20"

    def read(self, text: str) -> tuple[str, Decimal | str | None]:
        name, mark, amount = mended(text).strip().rpartition("=")
        if not mark:
            name, amount = amount, ""
        if not name.strip():
            raise ValueError(text)
        return name.strip(), LIMIT.read(amount) if mark else None


class _Tag(_Kind):
    name = "KEY=VALUE"
    expected = "a tag such as project=site"

    def read(self, text: str) -> tuple[str, str]:
        key, mark, value = mended(text).partition("=")
        key, value = key.strip(), value.strip()
        if not mark or not key or not value or len(key.split()) > 1:
            raise ValueError(text)
        return key, value


class _Share(_Kind):
    name = "0-1"
    expected = "a number from 0 to 1, such as 0.9"

    def read(self, text: str) -> float:
        number = float(text)
        # Not the other way round: every comparison with NaN is false.
        if not 0 <= number <= 1:
            raise ValueError(text)
        return number


class _Tokens(_Kind):
    name = "TOKENS"
    expected = "a number of tokens, such as 5000, 128k or 1M"

    def read(self, text: str) -> int:
        found = _COUNT.fullmatch(text.strip())
        if found is None:
            raise ValueError(text)
        number, unit = found.groups()
        count = Decimal(re.sub("[,_]", "", number)) * _SCALE[unit.lower()]
        if count != int(count) or count > MAX_TOKENS:
            raise ValueError(text)
        return int(count)


class _Milliseconds(_Kind):
    name = "MS"
    expected = "a whole number of milliseconds above 0"

    def read(self, text: str) -> int:
        count = int(text)
        if not 0 < count < 10**12:
            raise ValueError(text)
        return count


class _Seconds(_Kind):
    name = "SECONDS"
    expected = "a number of seconds above 0, a day at the most"

    def read(self, text: str) -> float:
        number = float(text.strip().removesuffix("s"))
        # Not the other way round: every comparison with NaN is false.
        if not 0 < number <= _DAY:
            raise ValueError(text)
        return number


class _Rating(_Kind):
    name = "NAME=N"

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self.expected = f"a rating such as coding=8: one of {', '.join(names)}, from 1 to 10"

    def read(self, text: str) -> tuple[str, int]:
        name, mark, number = text.partition("=")
        name = name.strip().lower()
        if not mark or name not in self._names or not 1 <= int(number) <= 10:
            raise ValueError(text)
        return name, int(number)


class _Names(_Kind):
    """One name or several with commas; checked against `known` where that is given."""

    name = "NAME,..."

    def __init__(self, known: Sequence[str] = ()) -> None:
        self._known = known
        self.expected = f"among {', '.join(known)}" if known else "a name"

    def read(self, text: str) -> tuple[str, ...]:
        names = tuple(name.strip() for name in mended(text).split(",") if name.strip())
        if self._known:
            names = tuple(name.lower().replace("-", "_") for name in names)
        if not names or (self._known and not set(names) <= set(self._known)):
            raise ValueError(text)
        return names


class _Words(_Kind):
    name = "TEXT"

    def read(self, text: str) -> str:
        return mended(text)


class _Place(_ClickPath):
    """A path as click reads it, which also refuses what no file can be called."""

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Path:
        try:
            return super().convert(value, param, ctx)
        except ValueError:
            # A null byte, or a character that the names of files cannot hold.
            self.fail(f"{clean(str(value)[:60])!r} cannot be the name of a file.", param, ctx)


USD, SHARE, TOKENS = _Usd(), _Share(), _Tokens()
MILLISECONDS, SECONDS = _Milliseconds(), _Seconds()
NAMES, WORDS = _Names(), _Words()
LIMIT, SCOPE, TAG = _Limit(), _Scope(), _Tag()
PATH, FILE = _Place(path_type=Path), _Place(path_type=Path, dir_okay=False)


def names_among(known: Sequence[str]) -> click.ParamType[Any]:
    """Return the type of a comma-separated list of known names."""
    return _Names(known)


def rating_of(names: Sequence[str]) -> click.ParamType[Any]:
    """Return the type of `NAME=N` with one of these names and N from 1 to 10."""
    return _Rating(names)
