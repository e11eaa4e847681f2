"""The targets of issue 4, as rules over a row. ("Goal", because a target is what a connector dials.)"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .measures import OURS, Row, Table

# True or False, or None when a number that the goal needs is missing.
Verdict = bool | None


@dataclass(frozen=True)
class Goal:
    """What a row has to reach, in words and as a judgement."""

    text: str
    judge: Callable[[Table, Row], Verdict]


_NAMES = {"ssh": "ssh -R", "stunnel": "stunnel", "none": "no tunnel"}


def at_least(limit: float) -> Goal:
    return Goal(f"≥ {limit:,g}", lambda table, row: _compare(row.median(OURS), lambda value: value >= limit))


def at_most(limit: float) -> Goal:
    return Goal(f"≤ {limit:,g}", lambda table, row: _compare(row.median(OURS), lambda value: value <= limit))


def no_worse_than(*contenders: str) -> Goal:
    """As good as the best of these in the same run, by the median of the pairs' ratios."""

    def judge(table: Table, row: Row) -> Verdict:
        best = row.measure.best(row.medians(contenders))
        if best is None:
            return None
        return _compare(row.ratio(best), lambda ratio: ratio >= 1 if row.measure.higher_is_better else ratio <= 1)

    return Goal("as good as " + " and ".join(_NAMES[key] for key in contenders), judge)


def at_least_times(factor: float, contender: str) -> Goal:
    return any_at_least_times(factor, contender, [OURS])


def any_at_least_times(factor: float, contender: str, ours: Sequence[str]) -> Goal:
    """The best of ours, which differ in their settings, is so many times as good as the contender in the same run."""

    def judge(table: Table, row: Row) -> Verdict:
        ratios = [ratio for key in ours if (ratio := row.ratio(contender, key)) is not None]
        return any(ratio >= factor for ratio in ratios) if ratios else None

    return Goal(f"≥ {factor:g} × {_NAMES[contender]}", judge)


def at_most_above(contender: str, margin: float, unit: str) -> Goal:
    return Goal(
        f"≤ {_NAMES[contender]} + {margin:g} {unit}",
        lambda table, row: _compare(row.difference(contender), lambda difference: difference <= margin),
    )


def at_least_as(measure_name: str) -> Goal:
    """Ours here is at least ours in another row of the same placement."""

    def judge(table: Table, row: Row) -> Verdict:
        other = _ours(table, row, measure_name)
        return None if other is None else _compare(row.median(OURS), lambda value: value >= other)

    return Goal(f"≥ “{measure_name}”", judge)


def at_most_times(factor: float, measure_name: str) -> Goal:
    """Ours here is at most so many times ours in another row of the same placement."""

    def judge(table: Table, row: Row) -> Verdict:
        other = _ours(table, row, measure_name)
        return None if other is None else _compare(row.median(OURS), lambda value: value <= factor * other)

    return Goal(f"≤ {factor:g} × “{measure_name}”", judge)


def either(first: Goal, second: Goal) -> Goal:
    """For absolute figures that mean a ratio on a machine of another speed."""

    def judge(table: Table, row: Row) -> Verdict:
        verdicts = (first.judge(table, row), second.judge(table, row))
        return None if verdicts == (None, None) else any(verdicts)

    return Goal(f"{first.text}, or {second.text}", judge)


def _ours(table: Table, row: Row, measure_name: str) -> float | None:
    other = table.find(row.placement, measure_name)
    return other.median(OURS) if other is not None else None


def _compare(value: float | None, holds: Callable[[float], bool]) -> Verdict:
    return None if value is None else holds(value)
