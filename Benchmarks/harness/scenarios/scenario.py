"""What every scenario is."""

from __future__ import annotations

from abc import ABC, abstractmethod

from ..bench import Bench
from ..goals import Goal
from ..measures import Row


class Scenario(ABC):
    """Something to measure, with the goals of its rows."""

    key: str
    title: str
    description: str

    @abstractmethod
    def run(self, bench: Bench) -> None:
        """Measures, and records into a table of its own."""

    def goal(self, row: Row) -> Goal | None:
        """What the row has to reach, if anything."""
        return None
