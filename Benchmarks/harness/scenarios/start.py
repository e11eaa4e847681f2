"""How long it takes from starting both programs until the first byte has come back."""

from __future__ import annotations

import json
import time

from .. import goals
from ..bench import Bench, Turn, pause
from ..contenders import OPENSSH, SOCKET_WARP, STUNNEL
from ..goals import Goal
from ..measures import Measure, Row
from ..processes import Daemon
from .scenario import Scenario

_AT_ONCE = Measure("both started at once", "ms", higher_is_better=False, digits=1)
_IN_ORDER = Measure("the one that dials once the other listens", "ms", higher_is_better=False, digits=1)


class Start(Scenario):
    key = "start"
    title = "Start to first byte"
    description = "from starting both programs to the first byte echoed through a forward"

    def run(self, bench: Bench) -> None:
        table = bench.table(self.key, self.title)
        table.note(
            "A client tries every half millisecond. socket-warp's forward is restored from its stored state. ssh "
            "gives up when sshd does not listen yet."
        )

        def measure(turn: Turn) -> None:
            for kind in (_AT_ONCE, _IN_ORDER):
                if kind is _AT_ONCE and turn.contender is OPENSSH:
                    continue
                with turn.measuring(kind):
                    turn.record(kind, _first_byte_ms(turn, in_order=kind is _IN_ORDER))

        placement = bench.both_placements()[0]
        rounds = bench.rounds if bench.quick else max(5, bench.rounds)
        contenders = (SOCKET_WARP, OPENSSH, STUNNEL)
        bench.take_turns(table, placement, contenders, ["echo"], [_AT_ONCE, _IN_ORDER], measure, rounds)

    def goal(self, row: Row) -> Goal | None:
        return goals.at_most(100)


def _first_byte_ms(turn: Turn, in_order: bool) -> float:
    """Stops the tunnel, and starts it again while a client tries to get a byte through."""
    workspace, tunnel, endpoint = turn.bench.workspace, turn.tunnel, turn.entrance("echo")
    tunnel.stop()
    pause(0.3)
    tool = [str(workspace.tool("pingpong")), "first", endpoint.host, str(endpoint.port), "20"]
    command = turn.placement.visitor.command(tool)
    client = Daemon("pingpong", command, workspace.log("first"), workspace.folder, interactive=True)
    try:
        client.read_line("it was ready")
        started = time.monotonic_ns()
        tunnel.launch(in_order)
        answer = json.loads(client.read_line("the first byte"))
        tunnel.wait_until_up()
    finally:
        client.stop()
    return (answer["at"] - started) / 1e6
