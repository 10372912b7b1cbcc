"""What the running month will have cost at its end, from the days before and their weekdays.

Method. Let y_t be what was spent on each of up to 56 full days before today, w_t = 2^(-age / 14 d)
their weights, and f_t the factor of the weekday: its mean over the mean of all days, drawn towards
1 as one more average day would; all factors are 1 with less than 21 days.

- level: L = sum(w y) / sum(w f), so that recent days count more and a missing Sunday counts right;
- rest of the month: m = L F, where F sums the factors of the days left, today's in proportion to
  the time left of it;
- spread: the variance of a day is taken as s^2 f, estimated from the residuals y - L f with the
  freedom that fitting the factors leaves. That of the rest is s^2 F + F^2 var(L), times
  (1 + r) / (1 - r) where neighbouring residuals correlate by r;
- range: what is left to spend is positive and skewed to the right, so it is taken as gamma
  distributed, with the Wilson-Hilferty cube root approximation for its quantiles, and with
  Student's t in place of the normal quantile as s is itself an estimate.

The range holds for spending like that of the past weeks; it cannot know of a new project.
"""

from __future__ import annotations

import math
from datetime import date, timedelta
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.money import MAX_USD, NANOS_PER_USD, to_usd
from mcp_router.reporting.values import Forecast, ForecastDay

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

MOST_DAYS = 56
LEAST_DAYS = 7
PATTERN_DAYS = 21
HALF_LIFE_DAYS = 14
COVERAGE = 0.80

_SHRINK_DAYS = 1.0
_MOST_CORRELATION = 0.7
_LEAST_FACTOR = 0.02
_NORMAL = NormalDist()
_MOST_NANOS = int(MAX_USD) * NANOS_PER_USD


class Spending(NamedTuple):
    """What a forecast is made from; money in nano-dollars.

    Attributes:
        today: the calendar day it is made on.
        past: what was spent on each full day before today, the last is yesterday.
        month: what was spent this month, today included.
        day_left: the share of today that is still to come, 0 to 1.
        limit: the monthly limit, None without one.
    """

    today: date
    past: tuple[int, ...]
    month: int
    day_left: float
    limit: int | None = None


class _Model(NamedTuple):
    """Daily spending: level, weekday factors from Monday, and how uncertain both are."""

    level: float
    factors: tuple[float, ...]
    day_variance: float
    level_variance: float
    inflation: float
    freedom: float


class _Rest(NamedTuple):
    """What is still to be spent: its mean and variance, and the freedom of the estimate."""

    mean: float
    variance: float
    freedom: float


def forecast(spending: Spending) -> Forecast:
    """Forecast what the month of `spending.today` will have cost at its end, with an 80 % range.

    With less than 7 full days of history there is no forecast, and `reason` says so.
    """
    past = spending.past[-MOST_DAYS:]
    known = Forecast(
        month=spending.today.replace(day=1),
        spent_usd=to_usd(spending.month),
        limit_usd=None if spending.limit is None else to_usd(spending.limit),
        history_days=len(past),
    )
    reason = _too_little(past)
    if reason:
        return known.model_copy(update={"reason": reason})
    model = _fit(past, today=spending.today)
    days = _days(spending, model=model)
    last = days[-1]
    whole = _rest(model, factors=_factors_left(spending, model=model)[-1])
    return known.model_copy(
        update={
            "expected_usd": last.expected_usd,
            "low_usd": last.low_usd,
            "high_usd": last.high_usd,
            "over_limit": _chance_over(whole, spending=spending),
            "limit_reached_on": _reached(days, limit=known.limit_usd),
            "weekday_pattern": len(past) >= PATTERN_DAYS,
            "days": days,
        }
    )


def _too_little(past: tuple[int, ...]) -> str:
    if len(past) < LEAST_DAYS:
        have = f"{len(past)} full day{'' if len(past) == 1 else 's'}"
        return f"not enough history: {have} recorded, {LEAST_DAYS} are needed"
    if not any(past):
        return f"nothing was spent on the last {len(past)} days"
    return ""


def _fit(past: tuple[int, ...], *, today: date) -> _Model:
    ages = range(len(past), 0, -1)
    weekdays = [(today - timedelta(days=age)).weekday() for age in ages]
    weights = [2.0 ** (-age / HALF_LIFE_DAYS) for age in ages]
    factors = _weekday_factors(past, weekdays=weekdays)
    shares = [factors[weekday] for weekday in weekdays]
    level = _dot(weights, past) / _dot(weights, shares)
    residuals = [spent - level * share for spent, share in zip(past, shares, strict=True)]
    scaled = [one / math.sqrt(share) for one, share in zip(residuals, shares, strict=True)]
    total = math.fsum(weights)
    effective = total**2 / _dot(weights, weights)
    mean_square = _dot(weights, [one**2 for one in scaled]) / total
    freedom = max(1.0, effective - 1 - _fitted(len(past)))
    variance = mean_square * effective / freedom
    squares = [weight**2 for weight in weights]
    level_variance = variance * _dot(squares, shares) / _dot(weights, shares) ** 2
    r = _correlation(scaled)
    inflation = (1 + r) / (1 - r)
    return _Model(level, factors, variance, level_variance, inflation, freedom)


def _fitted(days: int) -> float:
    """Count the factors that were fitted: six are free, less what shrinkage took back."""
    if days < PATTERN_DAYS:
        return 0.0
    return 6 * days / (days + 7 * _SHRINK_DAYS)


def _weekday_factors(past: tuple[int, ...], *, weekdays: list[int]) -> tuple[float, ...]:
    mean = sum(past) / len(past)
    if len(past) < PATTERN_DAYS:
        return (1.0,) * 7
    raw: list[float] = []
    for weekday in range(7):
        days = [spent for spent, day in zip(past, weekdays, strict=True) if day == weekday]
        shrunk = (sum(days) + _SHRINK_DAYS * mean) / (len(days) + _SHRINK_DAYS)
        raw.append(max(_LEAST_FACTOR, shrunk / mean))
    return tuple(7 * factor / math.fsum(raw) for factor in raw)


def _correlation(values: list[float]) -> float:
    """Correlation of neighbours, from 0 to 0.7: more cannot be told from a change of level."""
    squares = _dot(values, values)
    if not squares:
        return 0.0
    return min(_MOST_CORRELATION, max(0.0, _dot(values[1:], values[:-1]) / squares))


def _factors_left(spending: Spending, *, model: _Model) -> list[float]:
    """Sum the factors from now to the end of each day that is left of the month."""
    today = spending.today
    sums = [model.factors[today.weekday()] * min(1.0, max(0.0, spending.day_left))]
    day = today + timedelta(days=1)
    while day.month == today.month:
        sums.append(sums[-1] + model.factors[day.weekday()])
        day += timedelta(days=1)
    return sums


def _days(spending: Spending, *, model: _Model) -> tuple[ForecastDay, ...]:
    days: list[ForecastDay] = []
    for offset, factors in enumerate(_factors_left(spending, model=model)):
        rest = _rest(model, factors=factors)
        low, high = _range(rest)
        days.append(
            ForecastDay(
                day=spending.today + timedelta(days=offset),
                expected_usd=_usd(spending.month, rest.mean),
                low_usd=_usd(spending.month, min(low, rest.mean)),
                high_usd=_usd(spending.month, max(high, rest.mean)),
            )
        )
    return tuple(days)


def _rest(model: _Model, *, factors: float) -> _Rest:
    variance = model.day_variance * factors + factors**2 * model.level_variance
    return _Rest(model.level * factors, variance * model.inflation, model.freedom)


def _range(rest: _Rest) -> tuple[float, float]:
    if rest.mean < 1 or rest.variance <= 0:
        return rest.mean, rest.mean
    quantile = _student(1 - (1 - COVERAGE) / 2, freedom=rest.freedom)
    return _gamma(rest, -quantile), _gamma(rest, quantile)


def _gamma(rest: _Rest, quantile: float) -> float:
    # Wilson and Hilferty (1931): the cube root of a gamma variable is close to normal.
    c = rest.variance / (9 * rest.mean**2)
    return rest.mean * max(0.0, 1 - c + quantile * math.sqrt(c)) ** 3


def _chance_over(rest: _Rest, *, spending: Spending) -> float | None:
    if spending.limit is None:
        return None
    left = spending.limit - spending.month
    if left <= 0 or rest.mean < 1 or rest.variance <= 0:
        return float(rest.mean >= left if left > 0 else True)
    c = rest.variance / (9 * rest.mean**2)
    quantile = ((left / rest.mean) ** (1 / 3) - 1 + c) / math.sqrt(c)
    return 1 - _NORMAL.cdf(quantile)


def _student(share: float, *, freedom: float) -> float:
    """Quantile of Student's t: Cornish-Fisher expansion, Abramowitz and Stegun 26.7.5."""
    z = _NORMAL.inv_cdf(share)
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)


def _reached(days: tuple[ForecastDay, ...], *, limit: Decimal | None) -> date | None:
    if limit is None:
        return None
    return next((one.day for one in days if one.expected_usd >= limit), None)


def _usd(spent: int, more: float) -> Decimal:
    return to_usd(min(_MOST_NANOS, spent + round(max(0.0, more))))


def _dot(some: Sequence[float], others: Sequence[float]) -> float:
    return math.fsum(a * b for a, b in zip(some, others, strict=True))
