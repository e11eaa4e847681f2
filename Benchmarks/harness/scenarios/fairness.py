"""Whether a bulk transfer leaves room for small exchanges over the same tunnel."""

from __future__ import annotations

from .. import clients, goals
from ..bench import Bench, Turn, pause
from ..contenders import ALL
from ..failures import CannotRun
from ..goals import Goal
from ..measures import Measure, Row
from ..processes import Daemon
from ..targets import IPERF
from .scenario import Scenario

_SITUATIONS = ("quiet", "beside a bulk forward", "beside a bulk reverse")


def _measures(situation: str) -> tuple[Measure, Measure]:
    return (
        Measure(f"ping p50, {situation}", "µs", higher_is_better=False, digits=0),
        Measure(f"ping p99, {situation}", "µs", higher_is_better=False, digits=0),
    )


class Fairness(Scenario):
    key = "fairness"
    title = "Fairness"
    description = "64-byte ping-pong over one relay, quiet and while another of the same tunnel is bulk"

    def run(self, bench: Bench) -> None:
        table = bench.table(self.key, self.title)
        table.note("With two cores, “no tunnel” shows what the bulk transfer's own programs do to a neighbour.")
        measures = [measure for situation in _SITUATIONS for measure in _measures(situation)]

        def measure(turn: Turn) -> None:
            for situation in _SITUATIONS:
                with turn.measuring(*_measures(situation)):
                    seen = _ping(turn, situation)
                    for kind, value in zip(_measures(situation), (seen.p50, seen.p99), strict=True):
                        turn.record(kind, value)

        for placement in bench.both_placements():
            bench.take_turns(table, placement, ALL, ["echo", IPERF], measures, measure)

    def goal(self, row: Row) -> Goal | None:
        if row.measure.name.startswith("ping p99, beside"):
            return goals.at_most_times(5, "ping p99, quiet")
        return None


def _ping(turn: Turn, situation: str) -> clients.Latency:
    bench, side, seconds = turn.bench, turn.placement.visitor, turn.bench.seconds(3, 0.5)
    if situation == "quiet":
        return clients.latency(bench.workspace, side, "ping", turn.entrance("echo"), seconds)
    command = clients.iperf_command(turn.entrance(IPERF), seconds + 2, 1, situation.endswith("reverse"))
    bulk = Daemon("iperf3", side.command(command), bench.workspace.log("bulk"), bench.workspace.folder)
    try:
        pause(1)
        seen = clients.latency(bench.workspace, side, "ping", turn.entrance("echo"), seconds)
        if not bulk.is_alive:
            raise CannotRun(f"the bulk transfer ended too early: {bulk.last_words()}")
        bulk.wait_until(lambda: not bulk.is_alive, "it ended", seconds=30)
    finally:
        bulk.stop()
    pause(0.3)
    return seen
