"""How many instructions two connections in memory need for a fixed transfer: the same again in each run."""

from __future__ import annotations

import os
import re

from .. import goals
from ..bench import Bench, say
from ..failures import CannotRun
from ..goals import Goal
from ..measures import OURS, Measure, Row
from ..processes import run_for_output
from .scenario import Scenario

_MEGABYTES = 20
_RUNS = 2
_STREAMS = (1, 8)
_SPREAD_LIMIT = 0.1  # per cent: what a packet takes depends a little on its key, which TLS draws anew


def _count(streams: int) -> Measure:
    return Measure(f"{_MEGABYTES} MB, {streams} stream{'s' if streams > 1 else ''}", "thousand instructions per MB",
                   higher_is_better=False, digits=1)  # fmt: skip


def _spread(streams: int) -> Measure:
    return Measure(f"difference of {_RUNS} runs, {_count(streams).name}", "%", higher_is_better=False, digits=4)


class Instructions(Scenario):
    key = "instructions"
    title = "Instructions"
    description = "valgrind --tool=callgrind: instructions of both ends for each MB of a fixed transfer in memory"

    def run(self, bench: Bench) -> None:
        table = bench.table(self.key, self.title)
        table.note(f"The same as “Two connections in memory”, {_RUNS} runs; without the handshake, with AES-GCM.")
        for streams in _STREAMS:
            try:
                counts = [_instructions(bench, streams) / 1000 / _MEGABYTES for _ in range(_RUNS)]
            except CannotRun as reason:
                say(f"    cannot run: {reason}")
                for measure in (_count(streams), _spread(streams)):
                    table.row("in memory", measure).reasons[OURS] = str(reason)
                continue
            spread = 100 * (max(counts) - min(counts)) / min(counts)
            table.row("in memory", _count(streams)).values[OURS] = dict(enumerate(counts))
            table.row("in memory", _spread(streams)).values[OURS] = {0: spread}
            runs = " and ".join(f"{count:,.1f}" for count in counts)
            say(f"    {_count(streams).name}: {runs} {_count(streams).unit}, {spread:.4f} % apart")

    def goal(self, row: Row) -> Goal | None:
        return goals.at_most(_SPREAD_LIMIT) if row.measure.unit == "%" else None


def _instructions(bench: Bench, streams: int) -> int:
    """Of the transfer alone: `bench_measured_section` is where the program does what it measures."""
    log = bench.workspace.log("callgrind")
    program = bench.workspace.subfolder("callgrind") / "joined-connections"
    # Debian 12's valgrind gives up on Swift's debug information. Names of functions are not part of that.
    original = bench.workspace.benchmark_program(program.name)
    run_for_output(["strip", "--strip-debug", "-o", str(program), str(original)], seconds=60)
    command = ["valgrind", "--tool=callgrind", "--toggle-collect=bench_measured_section"]
    command += ["--callgrind-out-file=/dev/null", f"--log-file={log}"]
    command += [str(program), "--streams", str(streams), "--megabytes", str(_MEGABYTES), "--warm-up", "4"]
    # Dictionaries are in the same order in each run.
    run_for_output(command, seconds=900, environment={**os.environ, "SWIFT_DETERMINISTIC_HASHING": "1"})
    collected = re.search(r"Collected : (\d+)", log.read_text(errors="replace"))
    if collected is None:
        raise CannotRun("callgrind did not say what it has collected")
    return int(collected[1])
