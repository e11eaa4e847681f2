"""How many small HTTP requests go through: a new connection for each, and kept alive."""

from __future__ import annotations

from .. import clients, goals
from ..bench import Bench, Turn
from ..contenders import ALL
from ..goals import Goal
from ..measures import Measure, Row
from .scenario import Scenario

_CLOSE_8 = Measure("Connection: close, c=8", "req/s", higher_is_better=True, digits=0)
_CLOSE_64 = Measure("Connection: close, c=64", "req/s", higher_is_better=True, digits=0)
_KEEP_8 = Measure("keep-alive, c=8", "req/s", higher_is_better=True, digits=0)
_LOADS = ((_CLOSE_8, 8, True), (_CLOSE_64, 64, True), (_KEEP_8, 8, False))


class HTTP(Scenario):
    key = "http"
    title = "HTTP"
    description = "wrk with Connection: close over 8 and 64 connections, and with keep-alive over 8"

    def run(self, bench: Bench) -> None:
        table = bench.table(self.key, self.title)

        def measure(turn: Turn) -> None:
            for kind, connections, close in _LOADS:
                with turn.measuring(kind):
                    seen = clients.wrk(
                        turn.placement.visitor, turn.entrance("http"), int(bench.seconds(4)), connections, close
                    )
                    turn.record(kind, seen.per_second)
                    if seen.errors:
                        table.note(f"{turn.contender.title}, {turn.placement.name}, {kind.name}: some requests failed.")

        measures = [kind for kind, _, _ in _LOADS]
        for placement in bench.both_placements():
            bench.take_turns(table, placement, ALL, ["http"], measures, measure)

    def goal(self, row: Row) -> Goal | None:
        # The absolute figures are those of one machine, without namespaces in between; the ratio is what they mean.
        if row.measure == _CLOSE_8:
            return goals.either(goals.at_least(10_000), goals.at_least_times(0.45, "none"))
        if row.measure == _CLOSE_64:
            return goals.at_least(14_000)
        return goals.no_worse_than("stunnel")
