"""The command line. See ``Benchmarks/run --help``."""

from __future__ import annotations

import argparse
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from . import chart, machine, report
from .bench import Bench, say
from .certificates import make_certificates
from .failures import Interrupted
from .placement import remove_stale_namespaces
from .processes import adopt_orphans
from .scenarios import ALL, Scenario
from .workspace import BENCHMARKS, REPOSITORY, made_workspace

_DESCRIPTORS = 65536  # stunnel takes two for each relay


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    if options.list:
        for scenario in ALL:
            print(f"{scenario.key:<12} {scenario.description}")
        return 0
    chosen = [scenario for scenario in ALL if not options.scenario or scenario.key in options.scenario]

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    _raise_descriptor_limit()
    adopt_orphans()
    remove_stale_namespaces()
    try:
        _run(chosen, options)
    except Interrupted as interruption:
        print(f"\n{interruption}; everything that was started has been ended", file=sys.stderr)
        return 128 + interruption.signal_number
    return 0


def _run(chosen: Sequence[Scenario], options: argparse.Namespace) -> None:
    remarks = list(options.remark)
    if options.quick:
        remarks.append("`--quick`: short measurements; the figures mean less than those of a full run.")
    facts = machine.describe()
    facts["load averages before"] = machine.load()
    with made_workspace(options.binaries, options.keep) as workspace:
        certificates = make_certificates(workspace.folder / "certificates")
        bench = Bench(workspace, certificates, options.runs, options.quick)
        for scenario in chosen:
            say(f"\n==> {scenario.title}: {scenario.description}")
            scenario.run(bench)
            # Written after each scenario, so that a run that is ended has the results so far.
            facts["rounds"] = str(bench.rounds)
            _write(options.output, facts, bench, remarks)
    say("")
    for line in report.misses(bench.tables):
        say(f"not met: {line}")
    say(f"\nresults: {options.output}.md, .json, .svg")


def _write(output: Path, facts: dict[str, str], bench: Bench, remarks: Sequence[str]) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    drawing = output.with_suffix(".svg")
    caption = f"{facts['processor']}, {facts['cores']} cores, {facts['system']}, {facts['date']}, {facts['commit']}"
    output.with_suffix(".md").write_text(report.markdown(facts, bench.tables, remarks, drawing.name))
    output.with_suffix(".json").write_text(report.as_json(facts, bench.tables, remarks))
    drawing.write_text(chart.svg(bench.tables, caption))


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="Benchmarks/run",
        description="Measures socket-warp side by side with ssh -R, a stunnel pair and no tunnel, all on this machine, "
        "and writes a Markdown table, the raw values and a chart. Installs what is missing and builds a release first. "
        "Placements other than loopback need root.",
    )
    names = [scenario.key for scenario in ALL]
    parser.add_argument("scenario", nargs="*", help=f"one or several of: {', '.join(names)}; all if none is named")
    parser.add_argument("--list", action="store_true", help="list the scenarios and end")
    parser.add_argument("--runs", type=int, metavar="N", help="rounds, of which medians are taken (3; 1 if --quick)")
    parser.add_argument("--quick", action="store_true", help="short measurements, to see that everything works")
    parser.add_argument("--binaries", type=Path, default=REPOSITORY / ".build" / "release", metavar="FOLDER",
                        help="release programs that are there already; nothing is installed or built")  # fmt: skip
    parser.add_argument("--output", type=Path, default=BENCHMARKS / "results" / "latest", metavar="PATH",
                        help="where results go, without .md, .json and .svg (Benchmarks/results/latest)")  # fmt: skip
    parser.add_argument("--remark", action="append", default=[], metavar="TEXT", help="a line for the report's head")
    parser.add_argument("--keep", action="store_true", help="keep the temporary folder with logs and settings")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.scenario if name not in names]
    if unknown:
        parser.error(f"there is no scenario {unknown[0]}, see --list")
    if options.runs is None:
        options.runs = 1 if options.quick else 3
    if options.runs < 1:
        parser.error("--runs must be at least 1")
    return options


def _interrupt(number: int, _frame: FrameType | None) -> None:
    # Once is enough: what follows is the orderly end, which nothing may disturb.
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    raise Interrupted(number)


def _raise_descriptor_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(hard, _DESCRIPTORS), max(hard, _DESCRIPTORS)))
    except (ValueError, PermissionError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
