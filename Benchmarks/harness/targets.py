"""The targets on the connector's side: TCP services that clients reach through each contender."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from .placement import Placement
from .processes import Daemon
from .workspace import Workspace

IPERF = "iperf3"


@contextmanager
def running_targets(workspace: Workspace, placement: Placement, kinds: Sequence[str]) -> Iterator[Mapping[str, int]]:
    """Ports of the targets, by kind: `iperf3`, or one that bench_target knows."""
    side = placement.connector
    ports: dict[str, int] = {}
    for kind in kinds:
        ports[kind] = side.free_port()

    with ExitStack() as stack:
        small = [f"{kind}:{port}" for kind, port in ports.items() if kind != IPERF]
        if small:
            command = side.command([str(workspace.tool("bench_target")), *small])
            target = Daemon("bench_target", command, workspace.log("target"), workspace.folder)
            stack.callback(target.stop)
            target.wait_until(lambda: all(side.listens(int(word.split(":")[1])) for word in small), "it listened")
        if IPERF in ports:
            command = side.command(["iperf3", "--server", "--port", str(ports[IPERF])])
            server = Daemon("iperf3 server", command, workspace.log("iperf3-server"), workspace.folder)
            stack.callback(server.stop)
            server.wait_until(lambda: side.listens(ports[IPERF]), "it listened")
        yield ports
