"""What was measured: every single value, kept by scenario, placement, measure, contender and round."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

OURS = "socket-warp"
ALTERNATIVES = ("ssh", "stunnel")


@dataclass(frozen=True)
class Measure:
    """One kind of number."""

    name: str
    unit: str
    higher_is_better: bool
    digits: int = 2

    def best(self, values: dict[str, float]) -> str | None:
        """The key of the best value."""
        if not values:
            return None
        return (max if self.higher_is_better else min)(values, key=lambda key: values[key])


@dataclass
class Row:
    """One measure in one placement: a row of the report."""

    placement: str
    measure: Measure
    values: dict[str, dict[int, float]] = field(default_factory=dict)  # contender → round → value
    reasons: dict[str, str] = field(default_factory=dict)  # contender → why there is no value

    def median(self, contender: str) -> float | None:
        values = self.values.get(contender)
        return median(values.values()) if values else None

    def medians(self, contenders: tuple[str, ...]) -> dict[str, float]:
        found = {key: self.median(key) for key in contenders}
        return {key: value for key, value in found.items() if value is not None}

    def ratio(self, other: str, ours: str = OURS) -> float | None:
        """The median of the ratios ours ÷ other, each of values that were measured in the same round."""
        pairs = self._pairs(ours, other)
        ratios = [mine / theirs for mine, theirs in pairs if theirs != 0]
        return median(ratios) if ratios else None

    def difference(self, other: str, ours: str = OURS) -> float | None:
        """The median of ours − other, in the same way."""
        pairs = self._pairs(ours, other)
        return median(mine - theirs for mine, theirs in pairs) if pairs else None

    def best_alternative(self) -> str | None:
        return self.measure.best(self.medians(ALTERNATIVES))

    def _pairs(self, ours: str, other: str) -> list[tuple[float, float]]:
        mine, theirs = self.values.get(ours, {}), self.values.get(other, {})
        return [(mine[round], theirs[round]) for round in sorted(mine.keys() & theirs.keys())]


@dataclass
class Table:
    """The rows of one scenario, in the order in which they were met."""

    scenario: str
    title: str
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def row(self, placement: str, measure: Measure) -> Row:
        for row in self.rows:
            if row.placement == placement and row.measure.name == measure.name:
                return row
        self.rows.append(Row(placement, measure))
        return self.rows[-1]

    def find(self, placement: str, measure_name: str) -> Row | None:
        matching = (row for row in self.rows if (row.placement, row.measure.name) == (placement, measure_name))
        return next(matching, None)

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)
