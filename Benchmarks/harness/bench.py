"""One run of the benchmark: what scenarios have in common, above all that contenders take turns."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field

from . import placement as placements
from .certificates import Certificates
from .contenders import Contender, Endpoint, Setting, Tunnel
from .failures import CannotRun
from .measures import Measure, Table
from .placement import LOOPBACK, Placement
from .targets import running_targets
from .workspace import Workspace


@dataclass
class Turn:
    """A contender's turn in a round: its tunnel is up, and it is nobody else's turn."""

    bench: Bench
    table: Table
    placement: Placement
    contender: Contender
    tunnel: Tunnel
    targets: Mapping[str, int]
    round: int

    def entrance(self, target: str) -> Endpoint:
        return self.tunnel.entrance(self.targets[target])

    def record(self, measure: Measure, value: float) -> None:
        self.table.row(self.placement.name, measure).values.setdefault(self.contender.key, {})[self.round] = value
        number = f"{value:,.{measure.digits}f}"
        say(f"    {self.placement.name:>18}  {self.contender.key:<12} {measure.name}: {number} {measure.unit}")

    @contextmanager
    def measuring(self, *measures: Measure) -> Iterator[None]:
        """What fails in here is told in these rows, and the run goes on."""
        try:
            yield
        except CannotRun as reason:
            self.bench.fail(self.table, self.placement.name, self.contender, measures, reason)


@dataclass
class Bench:
    """What was asked for, and what has been measured so far."""

    workspace: Workspace
    certificates: Certificates
    rounds: int
    quick: bool
    tables: list[Table] = field(default_factory=list)

    def table(self, scenario: str, title: str) -> Table:
        self.tables.append(Table(scenario, title))
        return self.tables[-1]

    def seconds(self, full: float, quick: float = 1) -> float:
        """How long one measurement takes."""
        return quick if self.quick else full

    def fail(
        self, table: Table, placement: str, contender: Contender, measures: Sequence[Measure], reason: CannotRun
    ) -> None:
        say(f"    {placement:>18}  {contender.key:<12} cannot run: {reason}")
        for measure in measures:
            table.row(placement, measure).reasons[contender.key] = str(reason)

    def both_placements(self) -> list[tuple[str, AbstractContextManager[Placement]]]:
        """Loopback and MTU 1,500, each with its name, in case that it cannot be made."""
        return [("loopback", _already(LOOPBACK)), ("MTU 1,500", placements.veth())]

    def take_turns(
        self,
        table: Table,
        placement: tuple[str, AbstractContextManager[Placement]],
        contenders: Sequence[Contender],
        targets: Sequence[str],
        measures: Sequence[Measure],
        measure: Callable[[Turn], None],
        rounds: int | None = None,
    ) -> None:
        """Starts all tunnels, then has each contender measured in each round: A B C D A B C D …"""
        name, making = placement
        with ExitStack() as stack:
            try:
                place = stack.enter_context(making)
                ports = stack.enter_context(running_targets(self.workspace, place, targets))
            except CannotRun as reason:
                table.note(f"{name} could not run: {reason}.")
                say(f"    {name}: cannot run: {reason}")
                return
            setting = Setting(self.workspace, self.certificates, place, list(ports.values()))
            tunnels: dict[Contender, Tunnel] = {}
            for contender in contenders:
                try:
                    tunnels[contender] = stack.enter_context(contender.running(setting))
                except CannotRun as reason:
                    self.fail(table, name, contender, measures, reason)
            for round in range(self.rounds if rounds is None else rounds):
                for contender, tunnel in tunnels.items():
                    turn = Turn(self, table, place, contender, tunnel, ports, round)
                    with turn.measuring(*measures):
                        for words in tunnel.start_again_if_ended():
                            table.note(f"{contender.title}, {name}: ended by itself and was started again: {words}.")
                        measure(turn)


@contextmanager
def _already(placement: Placement) -> Iterator[Placement]:
    yield placement


def say(text: str) -> None:
    print(text, flush=True)


def pause(seconds: float) -> None:
    """For what has to come to rest before it is looked at."""
    sys.stdout.flush()
    time.sleep(seconds)
