"""How fast one download is over a long path that loses packets."""

from __future__ import annotations

from .. import clients, goals
from ..bench import Bench, Turn
from ..contenders import ALL, SocketWarp
from ..goals import Goal
from ..measures import OURS, Measure, Row
from ..placement import LossyPath, lossy
from ..targets import IPERF
from .scenario import Scenario

_PATHS = (*(LossyPath(percent) for percent in (0, 0.1, 1, 3)), LossyPath(1, tcp_controller="bbr"))
_DOWNLOAD = Measure("reverse, 1 stream", "Mbit/s", higher_is_better=True, digits=1)

_DEFAULT_CONTROLLER = "bbr2"


def _with(controller: str) -> SocketWarp:
    """Both ends with a congestion controller that is not the default one."""
    return SocketWarp(controller, {"SWL_CONGESTION_CONTROL": controller}, {"congestion_control": controller})


# A column each, beside the default one's.
CONTROLLERS = tuple(_with(name) for name in ("cubic", "bbr", "reno"))


class Loss(Scenario):
    key = "loss"
    title = "Loss"
    description = "iperf3 reverse over a path of 50 ms and 500 Mbit/s that loses 0, 0.1, 1 and 3 % of packets"

    def run(self, bench: Bench) -> None:
        table = bench.table(self.key, self.title)
        path = _PATHS[0]
        table.note(
            f"MTU 1,500, {path.rate_mbit} Mbit/s with a queue of {path.queue_ms:g} ms, loss in each direction, by "
            "lossy_relay between two TUN devices: the same path for UDP and TCP. The kernel's TCP uses cubic, "
            f"Debian's default, unless it says otherwise; socket-warp uses {_DEFAULT_CONTROLLER}, its default, where its "
            "column names no other. The target is for the best of its controllers. ssh and socket-warp keep one connection over all rounds, "
            "stunnel and no tunnel make new ones."
        )

        def measure(turn: Turn) -> None:
            with turn.measuring(_DOWNLOAD):
                transfer = clients.iperf(
                    turn.placement.visitor, turn.entrance(IPERF), bench.seconds(10, 3), 1, reverse=True
                )
                turn.record(_DOWNLOAD, transfer.gigabits_per_second * 1000)

        for path in _PATHS:
            place = (path.name, lossy(bench.workspace, path))
            bench.take_turns(table, place, (*ALL, *CONTROLLERS), [IPERF], [_DOWNLOAD], measure)

    def goal(self, row: Row) -> Goal | None:
        if row.placement != LossyPath(1).name:
            return None
        return goals.any_at_least_times(3, "ssh", [OURS, *(contender.key for contender in CONTROLLERS)])
