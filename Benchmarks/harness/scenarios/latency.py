"""How long small exchanges take, and how long a new connection takes until its first byte is back."""

from __future__ import annotations

from .. import clients, goals
from ..bench import Bench, Turn
from ..contenders import ALL
from ..goals import Goal
from ..measures import Measure, Row
from .scenario import Scenario

# mode of pingpong, target, name in the report
_EXCHANGES = (
    ("ping", "echo", "64-byte ping-pong"),
    ("split", "message", "64 bytes in two writes"),
    ("connect", "echo", "connect + echo"),
)


def _measures(name: str) -> tuple[Measure, Measure]:
    return (
        Measure(f"{name}, p50", "µs", higher_is_better=False, digits=0),
        Measure(f"{name}, p99", "µs", higher_is_better=False, digits=0),
    )


class Latencies(Scenario):
    key = "latency"
    title = "Latency"
    description = "64-byte ping-pong, the same in two writes, connect + first byte back; p50 and p99"

    def run(self, bench: Bench) -> None:
        table = bench.table(self.key, self.title)
        measures = [measure for _, _, name in _EXCHANGES for measure in _measures(name)]

        def measure(turn: Turn) -> None:
            for mode, target, name in _EXCHANGES:
                p50, p99 = _measures(name)
                with turn.measuring(p50, p99):
                    seen = clients.latency(
                        bench.workspace, turn.placement.visitor, mode, turn.entrance(target), bench.seconds(3, 0.5)
                    )
                    turn.record(p50, seen.p50)
                    turn.record(p99, seen.p99)

        for placement in bench.both_placements():
            bench.take_turns(table, placement, ALL, ["echo", "message"], measures, measure)

    def goal(self, row: Row) -> Goal | None:
        name = row.measure.name
        if name.startswith("64-byte"):
            return goals.no_worse_than("ssh", "stunnel")
        if name == "64 bytes in two writes, p99":
            return goals.at_most(1000)
        if name == "connect + echo, p50":
            return goals.at_most_above("none", 120, "µs")
        return None
