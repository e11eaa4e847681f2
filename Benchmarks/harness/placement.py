"""Where the two ends of a tunnel are: both on loopback, or in two network namespaces with a path in between.

The visitor's side has the listener and the clients; the connector's side has the connector and the targets.
"""

from __future__ import annotations

import ctypes
import os
import random
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from .failures import CannotRun
from .processes import Daemon
from .workspace import Workspace

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)

# RFC 2544's network for benchmarks: it is nobody's.
VISITOR_ADDRESS = "198.18.0.1"
CONNECTOR_ADDRESS = "198.18.0.2"


@dataclass(frozen=True)
class Side:
    """One end's network: the machine's own, or a namespace, and the address by which the other side reaches it."""

    address: str
    namespace: str | None = None

    def command(self, command: Sequence[str]) -> list[str]:
        """The command as it has to be started for it to run on this side."""
        if self.namespace is None:
            return list(command)
        return ["nsenter", f"--net=/run/netns/{self.namespace}", "--", *command]

    @contextmanager
    def entered(self) -> Iterator[None]:
        """This thread is in the side's network meanwhile. Sockets stay where they were made."""
        if self.namespace is None:
            yield
            return
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        away = os.open(f"/run/netns/{self.namespace}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _enter(away)
            try:
                yield
            finally:
                _enter(home)
        finally:
            os.close(home)
            os.close(away)

    def free_port(self) -> int:
        """A port that nothing has, TCP and UDP, below the range that the kernel gives to clients."""
        with self.entered():
            for _ in range(1000):
                port = random.randrange(20000, 32000)
                with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
                    try:
                        stream.bind(("0.0.0.0", port))
                        datagrams.bind(("0.0.0.0", port))
                    except OSError:
                        continue
                    return port
        raise CannotRun("there is no free port")

    def listens(self, port: int) -> bool:
        """Whether something listens on the TCP port. Nothing is connected, so nobody notices."""
        return self._has_socket(port, "tcp", state="0A")

    def takes_datagrams(self, port: int) -> bool:
        """Whether something has the UDP port."""
        return self._has_socket(port, "udp", state="07")

    def _has_socket(self, port: int, protocol: str, state: str) -> bool:
        with self.entered():
            for table in (protocol, protocol + "6"):
                for line in Path(f"/proc/thread-self/net/{table}").read_text().splitlines()[1:]:
                    fields = line.split()
                    if fields[3] == state and int(fields[1].rpartition(":")[2], 16) == port:
                        return True
        return False


@dataclass(frozen=True)
class Placement:
    """Where everything runs."""

    name: str
    visitor: Side
    connector: Side


LOOPBACK = Placement("loopback", Side("127.0.0.1"), Side("127.0.0.1"))


def _enter(descriptor: int) -> None:
    if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
        raise CannotRun(f"cannot enter a network namespace: {os.strerror(ctypes.get_errno())}")


def _ip(*arguments: str) -> None:
    try:
        subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        raise CannotRun(f"`ip {' '.join(arguments)}` failed: {error.stderr.strip()}") from None


def _set(namespace: str, name: str, value: str) -> None:
    """Sets a sysctl of a namespace."""
    with Side("", namespace).entered():
        try:
            Path(f"/proc/sys/{name}").write_text(value)
        except OSError as error:
            raise CannotRun(f"cannot set {name} to {value}: {error.strerror}") from None


def remove_stale_namespaces() -> None:
    """Removes what a harness that was killed has left: its process ID is in the name."""
    folder = Path("/run/netns")
    for entry in folder.glob("swb-*-?") if folder.is_dir() else ():
        pid = entry.name.split("-")[1]
        if not Path(f"/proc/{pid}").exists():
            _ip("netns", "delete", entry.name)


@contextmanager
def _two_namespaces() -> Iterator[tuple[str, str]]:
    if os.geteuid() != 0:
        raise CannotRun("network namespaces need root")
    names = (f"swb-{os.getpid()}-v", f"swb-{os.getpid()}-c")
    with ExitStack() as stack:
        for name in names:
            _ip("netns", "add", name)
            stack.callback(_ip, "netns", "delete", name)
            _ip("-n", name, "link", "set", "lo", "up")
            # Ports of short connections come back as fast as they do on loopback, where that is the default.
            _set(name, "net/ipv4/tcp_tw_reuse", "1")
            # No round inherits what TCP has learnt in the one before.
            _set(name, "net/ipv4/tcp_no_metrics_save", "1")
        yield names


def _pair(name: str, namespaces: tuple[str, str]) -> Placement:
    visitor, connector = namespaces
    return Placement(name, Side(VISITOR_ADDRESS, visitor), Side(CONNECTOR_ADDRESS, connector))


def _address(namespace: str, device: str, address: str) -> None:
    _ip("-n", namespace, "address", "add", f"{address}/30", "dev", device)
    _ip("-n", namespace, "link", "set", device, "mtu", "1500", "up")


@contextmanager
def veth() -> Iterator[Placement]:
    """MTU 1,500: two namespaces joined by a veth, with the kernel's default offloads."""
    with _two_namespaces() as (visitor, connector):
        _ip("-n", visitor, "link", "add", "swb0", "type", "veth", "peer", "name", "swb0", "netns", connector)
        _address(visitor, "swb0", VISITOR_ADDRESS)
        _address(connector, "swb0", CONNECTOR_ADDRESS)
        yield _pair("MTU 1,500", (visitor, connector))


@dataclass(frozen=True)
class LossyPath:
    """A long path: delay of the round trip, probability of loss in each direction, and the line in between."""

    loss_percent: float
    round_trip_ms: float = 50
    rate_mbit: int = 500
    queue_ms: float = 50
    seed: int = 1
    tcp_controller: str = "cubic"  # Debian's default

    @property
    def name(self) -> str:
        suffix = "" if self.tcp_controller == "cubic" else f", TCP with {self.tcp_controller}"
        return f"{self.round_trip_ms:g} ms, loss {self.loss_percent:g} %{suffix}"


@contextmanager
def _permitted_controller(name: str) -> Iterator[None]:
    """Namespaces may choose a TCP congestion controller only from the machine's list of permitted ones."""
    setting = Path("/proc/sys/net/ipv4/tcp_allowed_congestion_control")
    before = setting.read_text().strip()
    if name in before.split():
        yield
        return
    try:
        setting.write_text(f"{before} {name}")
    except OSError as error:
        raise CannotRun(f"TCP with {name} is not to be had in a namespace: {error.strerror}") from None
    try:
        yield
    finally:
        setting.write_text(before)


@contextmanager
def lossy(workspace: Workspace, path: LossyPath) -> Iterator[Placement]:
    """Two namespaces joined by two TUN devices and `lossy_relay`, at MTU 1,500."""
    if not Path("/dev/net/tun").exists():
        raise CannotRun("there is no /dev/net/tun")
    with _permitted_controller(path.tcp_controller), _two_namespaces() as namespaces, ExitStack() as stack:
        command = [str(workspace.tool("lossy_relay")), *(f"/run/netns/{name}" for name in namespaces), "swb0"]
        command += [f"{path.round_trip_ms / 2:g}", f"{path.loss_percent / 100:g}", str(path.rate_mbit)]
        command += [f"{path.queue_ms:g}", str(path.seed)]
        relay = Daemon("lossy_relay", command, workspace.log("lossy_relay"), workspace.folder, interactive=True)
        stack.callback(relay.stop)
        relay.read_line("its devices were there")
        for namespace, address in zip(namespaces, (VISITOR_ADDRESS, CONNECTOR_ADDRESS), strict=True):
            _address(namespace, "swb0", address)
            _ip("-n", namespace, "link", "set", "swb0", "txqueuelen", "10000")
            _set(namespace, "net/ipv4/tcp_congestion_control", path.tcp_controller)
        yield _pair(path.name, namespaces)
