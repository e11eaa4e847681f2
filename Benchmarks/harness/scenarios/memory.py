"""How much resident memory each daemon has: fresh, for each idle relay, and while many transfers are stalled."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from .. import goals
from ..bench import Bench, Turn, pause
from ..contenders import OPENSSH, SOCKET_WARP, STUNNEL
from ..failures import CannotRun
from ..goals import Goal
from ..measures import Measure, Row
from ..processes import Daemon
from .scenario import Scenario

_STALLED = 100
_SIDES = ("visitor's", "connector's")
_MEBIBYTE = 1024 * 1024
# Longer than any contender still tidies up after its start, in seconds.
_TIDYING = 4


def _fresh(side: str) -> Measure:
    return Measure(f"fresh, {side} daemon", "MB", higher_is_better=False, digits=1)


def _fresh_anonymous(side: str) -> Measure:
    return Measure(f"of it anonymous, {side} daemon", "MB", higher_is_better=False, digits=1)


def _relay(count: int, side: str) -> Measure:
    return Measure(f"per idle relay of {count:,}, {side} daemon", "KiB", higher_is_better=False, digits=1)


def _held(count: int) -> Measure:
    return Measure(f"idle relays held of {count:,}", "relays", higher_is_better=True, digits=0)


def _stalled(side: str) -> Measure:
    return Measure(f"peak growth, {_STALLED} + {_STALLED} stalled, {side} daemon", "MiB", False, digits=1)


def _kept(side: str) -> Measure:
    return Measure(f"kept 10 s after their end, {side} daemon", "MiB", higher_is_better=False, digits=1)


class Memory(Scenario):
    key = "memory"
    title = "Memory"
    description = "resident memory fresh, per idle relay (1,000 and 10,000), with 100 stalled downloads + 100 uploads"

    def run(self, bench: Bench) -> None:
        table = bench.table(self.key, self.title)
        table.note("Resident memory of the process trees, once; kernel socket buffers are apart.")
        counts = (50, 200) if bench.quick else (1000, 10_000)

        def rest(turn: Turn) -> None:
            pause(_TIDYING)
            for side, daemon in zip(_SIDES, (turn.tunnel.visitor_daemon, turn.tunnel.connector_daemon), strict=True):
                turn.record(_fresh(side), daemon.resident_bytes() / 1e6)
                turn.record(_fresh_anonymous(side), daemon.anonymous_bytes() / 1e6)

        # Each with tunnels of their own, so that what one leaves behind is not counted for the next.
        parts: list[tuple[list[Measure], Callable[[Turn], None]]] = [([_fresh(side) for side in _SIDES], rest)]
        for count in counts:
            measures = [_held(count), *(_relay(count, side) for side in _SIDES)]
            parts.append((measures, lambda turn, count=count: _hold_idle(turn, count)))
        measures = [kind(side) for side in _SIDES for kind in (_stalled, _kept)]
        parts.append((measures, _stall))
        for measures, measure in parts:
            loopback = bench.both_placements()[0]
            contenders = (SOCKET_WARP, OPENSSH, STUNNEL)
            bench.take_turns(table, loopback, contenders, ["echo", "source", "stall"], measures, measure, rounds=1)

    def goal(self, row: Row) -> Goal | None:
        name = row.measure.name
        if name.startswith("of it anonymous"):
            return None
        if name.startswith("fresh"):
            return goals.at_most(16)
        if name.startswith("per idle relay"):
            return goals.at_most(12)
        if name.startswith("idle relays held"):
            return goals.at_least(int(name.rpartition(" ")[2].replace(",", "")))
        if name.startswith("peak growth"):
            return goals.at_most(64)
        return goals.at_most(8)  # "given back", less what an allocator may keep


def _holder(turn: Turn, mode: str, target: str, count: int) -> Daemon:
    workspace, endpoint = turn.bench.workspace, turn.entrance(target)
    tool = [str(workspace.tool("hold")), mode, endpoint.host, str(endpoint.port), str(count)]
    command = turn.placement.visitor.command(tool)
    return Daemon(f"hold {mode}", command, workspace.log(f"hold-{mode}"), workspace.folder, interactive=True)


def _warm_up(turn: Turn, stack: ExitStack) -> None:
    """Makes resident what the first relays touch of the programs, so that only what each costs is counted."""
    pause(_TIDYING)
    holder = _holder(turn, "idle", "echo", 20)
    stack.callback(holder.stop)
    _held_count(holder, 20)
    holder.close_input()
    pause(1)


def _held_count(holder: Daemon, count: int) -> int:
    held = int(holder.read_line("its connections stood").split()[1])
    if held == 0:
        raise CannotRun(f"none of {count} connections stood")
    return held


def _hold_idle(turn: Turn, count: int) -> None:
    measures = [_held(count), *(_relay(count, side) for side in _SIDES)]
    with turn.measuring(*measures), ExitStack() as stack:
        _warm_up(turn, stack)
        before = [daemon.resident_bytes() for daemon in turn.tunnel.daemons]
        holder = _holder(turn, "idle", "echo", count)
        stack.callback(holder.stop)
        held = _held_count(holder, count)
        pause(2)
        turn.record(_held(count), held)
        for side, daemon, base in zip(_SIDES, turn.tunnel.daemons, before, strict=True):
            turn.record(_relay(count, side), (daemon.resident_bytes() - base) / held / 1024)


def _stall(turn: Turn) -> None:
    measures = [kind(side) for side in _SIDES for kind in (_stalled, _kept)]
    with turn.measuring(*measures), ExitStack() as stack:
        _warm_up(turn, stack)
        before = [daemon.resident_bytes() for daemon in turn.tunnel.daemons]
        for daemon in turn.tunnel.daemons:
            daemon.reset_peak()
        holders = []
        for mode, target in (("download", "source"), ("upload", "stall")):
            holders.append(_holder(turn, mode, target, _STALLED))
            stack.callback(holders[-1].stop)
        for holder in holders:
            if (held := _held_count(holder, _STALLED)) < _STALLED:
                turn.table.note(f"{turn.contender.title}: {held} of {_STALLED} ({holder.name}) stood.")
        pause(turn.bench.seconds(5, 2))
        for side, daemon, base in zip(_SIDES, turn.tunnel.daemons, before, strict=True):
            turn.record(_stalled(side), (daemon.peak_resident_bytes() - base) / _MEBIBYTE)
        for holder in holders:
            holder.close_input()
        pause(10)  # what is still held after that is not given back "within 10 s"
        for side, daemon, base in zip(_SIDES, turn.tunnel.daemons, before, strict=True):
            turn.record(_kept(side), (daemon.resident_bytes() - base) / _MEBIBYTE)
