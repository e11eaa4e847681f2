"""How fast bulk data goes through, and what CPU time the two daemons spend on it."""

from __future__ import annotations

from .. import clients, goals
from ..bench import Bench, Turn
from ..contenders import ALL
from ..goals import Goal
from ..measures import Measure, Row
from ..targets import IPERF
from .scenario import Scenario

_STREAMS = (1, 4, 8)
_CPU_LIMITS = {"loopback": 1.5, "MTU 1,500": 2.0}


def _rate(direction: str, streams: int) -> Measure:
    return Measure(f"{direction}, {streams} stream{'s' if streams > 1 else ''}", "Gbit/s", higher_is_better=True)


def _cpu(direction: str, streams: int) -> Measure:
    return Measure(f"CPU of both daemons, {_rate(direction, streams).name}", "s/GB", higher_is_better=False)


class Throughput(Scenario):
    key = "throughput"
    title = "Throughput and CPU time"
    description = "iperf3 forward (visitor → target) and reverse, 1, 4 and 8 streams; CPU seconds per GB"

    def run(self, bench: Bench) -> None:
        table = bench.table(self.key, self.title)
        ways = [(direction, streams) for direction in ("forward", "reverse") for streams in _STREAMS]
        measures = [_rate(*way) for way in ways] + [_cpu(*way) for way in ways]

        def measure(turn: Turn) -> None:
            for direction, streams in ways:
                with turn.measuring(_rate(direction, streams), _cpu(direction, streams)):
                    before = turn.tunnel.cpu_seconds()
                    transfer = clients.iperf(
                        turn.placement.visitor, turn.entrance(IPERF), bench.seconds(4), streams, direction == "reverse"
                    )
                    spent = turn.tunnel.cpu_seconds() - before
                    turn.record(_rate(direction, streams), transfer.gigabits_per_second)
                    if turn.tunnel.daemons and transfer.gigabytes > 0:
                        turn.record(_cpu(direction, streams), spent / transfer.gigabytes)

        for placement in bench.both_placements():
            bench.take_turns(table, placement, ALL, [IPERF], measures, measure)

    def goal(self, row: Row) -> Goal | None:
        name = row.measure.name
        if name.startswith("CPU"):
            return goals.at_most(_CPU_LIMITS[row.placement])
        if name.endswith("1 stream"):
            return goals.no_worse_than("ssh")
        return goals.at_least_as(name.split(",")[0] + ", 1 stream")
