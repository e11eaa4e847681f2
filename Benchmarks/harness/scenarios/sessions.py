"""How much memory an idle session takes in the listener: 500 connectors' worth of sessions from one load process.

The load process is a program of the Swift package in Benchmarks/, named `idle-sessions`. It starts the listener itself:

    swift run -c release --package-path Benchmarks idle-sessions --listener PATH --sessions 500

and prints one line of JSON: {"sessions": 500, "kib_per_session": 31.4}.
"""

from __future__ import annotations

import json

from .. import goals
from ..bench import Bench, say
from ..failures import CannotRun
from ..goals import Goal
from ..measures import OURS, Measure, Row
from ..processes import run_for_output
from ..workspace import BENCHMARKS
from .scenario import Scenario

_PER_SESSION = Measure("per idle session, listener", "KiB", higher_is_better=False, digits=1)


class Sessions(Scenario):
    key = "sessions"
    title = "Idle sessions"
    description = "the listener's resident memory for each of 500 idle sessions"

    def run(self, bench: Bench) -> None:
        table = bench.table(self.key, self.title)
        row = table.row("loopback", _PER_SESSION)
        try:
            if not (BENCHMARKS / "Package.swift").exists():
                raise CannotRun("there is no Benchmarks/Package.swift yet")
            command = ["swift", "run", "-c", "release", "--package-path", str(BENCHMARKS), "idle-sessions"]
            command += ["--listener", str(bench.workspace.program("sw-listener"))]
            command += ["--sessions", "20" if bench.quick else "500"]
            report = json.loads(run_for_output(command, seconds=1800).strip().splitlines()[-1])
        except CannotRun as reason:
            say(f"    cannot run: {reason}")
            row.reasons[OURS] = str(reason)
        else:
            row.values[OURS] = {0: report["kib_per_session"]}

    def goal(self, row: Row) -> Goal | None:
        return goals.at_most(40)
