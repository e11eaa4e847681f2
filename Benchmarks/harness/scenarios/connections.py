"""What two QUIC connections cost that are joined in memory: no sockets, no kernel, so that a regression shows on a noisy
machine."""

from __future__ import annotations

import json

from ..bench import Bench, say
from ..failures import CannotRun
from ..measures import OURS, Measure
from ..processes import run_for_output
from .scenario import Scenario

_STREAMS = (1, 8)


def _speed(streams: int) -> Measure:
    return Measure(f"bytes a second of CPU time, {_words(streams)}", "GB/s", higher_is_better=True)


def _allocations(streams: int) -> Measure:
    return Measure(f"allocations, {_words(streams)}", "per GB", higher_is_better=False, digits=0)


def _words(streams: int) -> str:
    return f"{streams} stream{'s' if streams > 1 else ''}"


class Connections(Scenario):
    key = "connections"
    title = "Two connections in memory"
    description = "two QUICConnections without sockets: GB per second of CPU time, both ends together; allocations"

    def run(self, bench: Bench) -> None:
        table = bench.table(self.key, self.title)
        for round in range(bench.rounds):
            for streams in _STREAMS:
                measures = (_speed(streams), _allocations(streams))
                try:
                    program = bench.workspace.benchmark_program("joined-connections")
                    command = [str(program), "--streams", str(streams)]
                    command += ["--megabytes", "200" if bench.quick else "2000"]
                    report = json.loads(run_for_output(command, seconds=120).splitlines()[-1])
                except CannotRun as reason:
                    say(f"    cannot run: {reason}")
                    for measure in measures:
                        table.row("in memory", measure).reasons[OURS] = str(reason)
                    continue
                values = (report["gigabytes_per_cpu_second"], report["allocations_per_gigabyte"])
                for measure, value in zip(measures, values, strict=True):
                    table.row("in memory", measure).values.setdefault(OURS, {})[round] = value
                    say(f"    {measure.name}: {value:,.{measure.digits}f} {measure.unit}")
                table.note(f"UDP payloads of {report['datagram_bytes']:,} bytes, AES-GCM, one thread, both ends together.")
