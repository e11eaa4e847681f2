"""How much memory an idle session takes in the listener: 500 connectors' worth of sessions from one load process.

The load process, `idle-sessions` of the Swift package in Benchmarks/, starts the listener itself, and prints one line of
JSON: {"sessions": 500, "kib_per_session": 31.4}.
"""

from __future__ import annotations

import json

from .. import goals
from ..bench import Bench, say
from ..failures import CannotRun
from ..goals import Goal
from ..measures import OURS, Measure, Row
from ..processes import run_for_output
from .scenario import Scenario

_PER_SESSION = Measure("per idle session, listener", "KiB", higher_is_better=False, digits=1)


class Sessions(Scenario):
    key = "sessions"
    title = "Idle sessions"
    description = "the listener's resident memory for each of 500 idle sessions"

    def run(self, bench: Bench) -> None:
        table = bench.table(self.key, self.title)
        table.note(
            "Growth of the listener's resident memory, divided by the sessions; 50 sessions before them have paid for what "
            "all share. Each has a client UID, a certificate and a UDP port of its own."
        )
        row = table.row("loopback", _PER_SESSION)
        try:
            command = [str(bench.workspace.benchmark_program("idle-sessions"))]
            command += ["--listener", str(bench.workspace.program("sw-listener"))]
            command += ["--sessions", "50" if bench.quick else "500"]
            report = json.loads(run_for_output(command, seconds=300).splitlines()[-1])
        except CannotRun as reason:
            say(f"    cannot run: {reason}")
            row.reasons[OURS] = str(reason)
        else:
            row.values[OURS] = {0: report["kib_per_session"]}
            say(f"    {_PER_SESSION.name}: {report['kib_per_session']:.1f} KiB, of {report['sessions']} sessions")

    def goal(self, row: Row) -> Goal | None:
        return goals.at_most(40)
