"""A bad way for datagrams: stands between clients and a server and loses, doubles, delays and reorders what passes.

Prints `READY <address>:<port>` once clients can send to it. Each client address gets a socket of its own towards the
server, as at a NAT, so the server sees as many clients as there are. Runs until SIGTERM, then prints
`PASSED up=<n> down=<n> lost=<n> doubled=<n> reordered=<n>` and exits 0.

* SIGUSR1: every client gets a new socket, so the server sees its datagrams come from another port (NAT rebinding);
  what the server still sends to the old one is lost. Prints `REBOUND <old port> <new port>` for each.
* SIGUSR2: swallows everything from now on; prints `SILENT`. The next SIGUSR2 ends that; prints `PASSING`.

What happens to which datagram is drawn from `--seed` in the order of arrival. `--loss` and its like are for both
directions; `--loss-up`, towards the server, and `--loss-down` say otherwise for one.
"""

import argparse
import heapq
import random
import selectors
import signal
import socket
import sys
import time
from dataclasses import dataclass, field

#: A burst of a whole congestion window must fit.
SOCKET_BUFFER_BYTES = 4 << 20
LARGEST_DATAGRAM_BYTES = 65_535
#: Datagrams taken from one socket before the others get their turn.
BATCH = 64
#: Clients at once; more are not served, so that a runaway test cannot use up the descriptors.
MOST_CLIENTS = 64

Address = tuple[str, int]


def say(*words: object) -> None:
    """Prints one machine-readable line, at once: a test waits for it."""
    print(*words, flush=True)


@dataclass
class Conditions:
    """What may happen to a datagram in one direction; the first three are probabilities, the others seconds."""

    loss: float
    duplication: float
    reordering: float
    delay: float
    reordering_delay: float


@dataclass
class Direction:
    """One direction: its conditions, its dice and what happened so far."""

    conditions: Conditions
    dice: random.Random
    passed: int = 0
    lost: int = 0
    doubled: int = 0
    reordered: int = 0

    def delays(self) -> list[float]:
        """How much later each copy of the next datagram arrives: none when it is lost, two when it is doubled."""
        if self.dice.random() < self.conditions.loss:
            self.lost += 1
            return []
        self.passed += 1
        delay = self.conditions.delay
        if self.dice.random() < self.conditions.reordering:
            # Held back, so that those behind it overtake.
            self.reordered += 1
            delay += self.conditions.reordering_delay
        if self.dice.random() < self.conditions.duplication:
            self.doubled += 1
            return [delay, delay]
        return [delay]


@dataclass
class Client:
    """One client's address and the socket that stands for it towards the server."""

    address: Address
    upstream: socket.socket


@dataclass(order=True)
class Delayed:
    """A datagram that waits for its time; the number keeps those of one time in order."""

    due: float
    number: int
    client: Client = field(compare=False)
    goes_up: bool = field(compare=False)
    datagram: bytes = field(compare=False)


class LossyPath:
    """Passes datagrams between clients and one server, on one thread."""

    def __init__(self, listen: Address, server: Address, up: Direction, down: Direction) -> None:
        self._server = server
        self._up = up
        self._down = down
        self._clients: dict[Address, Client] = {}
        self._waiting: list[Delayed] = []
        self._number = 0
        self._is_silent = False
        self._selector = selectors.DefaultSelector()
        self._downstream = self._bound_socket(listen)
        self._selector.register(self._downstream, selectors.EVENT_READ, None)
        # A signal's number arrives as a byte, so that it is handled between two datagrams and not within one.
        wakeup, self._signals = socket.socketpair()
        for end in (wakeup, self._signals):
            end.setblocking(False)
        signal.set_wakeup_fd(wakeup.fileno(), warn_on_full_buffer=False)
        self._wakeup = wakeup
        self._selector.register(self._signals, selectors.EVENT_READ, None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, lambda *_: None)

    def run(self) -> None:
        """Passes datagrams on until SIGTERM."""
        host, port = self._downstream.getsockname()[:2]
        say("READY", f"{host}:{port}")
        is_running = True
        while is_running:
            for key, _ in self._selector.select(self._wait()):
                if key.fileobj is self._signals:
                    is_running = self._handle_signals()
                elif key.fileobj is self._downstream:
                    self._receive_from_clients()
                else:
                    self._receive_from_server(key.data)
            self._release()
        up, down = self._up, self._down
        say(
            f"PASSED up={up.passed} down={down.passed} lost={up.lost + down.lost} doubled={up.doubled + down.doubled} "
            f"reordered={up.reordered + down.reordered}"
        )

    # Signals

    def _handle_signals(self) -> bool:
        for number in self._signals.recv(64):
            match number:
                case signal.SIGUSR1:
                    for client in self._clients.values():
                        self._rebind(client)
                case signal.SIGUSR2:
                    self._is_silent = not self._is_silent
                    say("SILENT" if self._is_silent else "PASSING")
                case _:
                    return False
        return True

    def _rebind(self, client: Client) -> None:
        # The new one first: the old one's port cannot be its port then.
        old, client.upstream = client.upstream, self._upstream_socket()
        say("REBOUND", old.getsockname()[1], client.upstream.getsockname()[1])
        self._selector.unregister(old)
        old.close()
        self._selector.register(client.upstream, selectors.EVENT_READ, client)

    # Datagrams

    def _receive_from_clients(self) -> None:
        for _ in range(BATCH):
            try:
                datagram, address = self._downstream.recvfrom(LARGEST_DATAGRAM_BYTES)
            except BlockingIOError:
                return
            except OSError:
                continue  # an ICMP answer to an earlier datagram, which is the loss that it reports
            if client := self._client(address):
                self._schedule(client, datagram, goes_up=True)

    def _receive_from_server(self, client: Client) -> None:
        upstream = client.upstream
        for _ in range(BATCH):
            try:
                datagram = upstream.recv(LARGEST_DATAGRAM_BYTES)
            except BlockingIOError:
                return
            except OSError:
                continue
            self._schedule(client, datagram, goes_up=False)

    def _client(self, address: Address) -> Client | None:
        client = self._clients.get(address)
        if client is None and len(self._clients) < MOST_CLIENTS:
            client = self._clients[address] = Client(address, self._upstream_socket())
            self._selector.register(client.upstream, selectors.EVENT_READ, client)
        return client

    def _schedule(self, client: Client, datagram: bytes, *, goes_up: bool) -> None:
        if self._is_silent:
            return
        direction = self._up if goes_up else self._down
        for delay in direction.delays():
            if delay == 0:
                self._send(client, datagram, goes_up)
                continue
            self._number += 1
            heapq.heappush(self._waiting, Delayed(time.monotonic() + delay, self._number, client, goes_up, datagram))

    def _wait(self) -> float | None:
        return max(0.0, self._waiting[0].due - time.monotonic()) if self._waiting else None

    def _release(self) -> None:
        now = time.monotonic()
        while self._waiting and self._waiting[0].due <= now:
            delayed = heapq.heappop(self._waiting)
            if not self._is_silent:
                self._send(delayed.client, delayed.datagram, delayed.goes_up)

    def _send(self, client: Client, datagram: bytes, goes_up: bool) -> None:
        try:
            if goes_up:
                client.upstream.send(datagram)
            else:
                self._downstream.sendto(datagram, client.address)
        except OSError:
            pass  # a full queue, or nobody there: lost, as on any path

    # Sockets

    def _upstream_socket(self) -> socket.socket:
        # Unbound until it connects: the kernel then takes the address that leads to the server.
        upstream = self._socket(self._server)
        upstream.connect(self._server)
        return upstream

    def _bound_socket(self, address: Address) -> socket.socket:
        bound = self._socket(address)
        bound.bind(address)
        return bound

    def _socket(self, address: Address) -> socket.socket:
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        made = socket.socket(family, socket.SOCK_DGRAM)
        made.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            made.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER_BYTES)
        return made


def parse_address(text: str) -> Address:
    """Accepts `127.0.0.1:80` and `[::1]:80`."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal():
        raise argparse.ArgumentTypeError(f"not an address with a port: {text}")
    return host.removeprefix("[").removesuffix("]"), int(port)


def probability(text: str) -> float:
    """Accepts a number within 0 and 1."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not within 0 and 1")
    return value


def milliseconds(text: str) -> float:
    """Accepts a time of at most 10 s in milliseconds and gives it in seconds."""
    value = float(text)
    if not 0 <= value <= 10_000:
        raise argparse.ArgumentTypeError(f"{text} is not within 0 and 10000 ms")
    return value / 1000


#: Each condition's name, how its argument is read, and what it means.
ARGUMENTS = [
    ("loss", probability, "the part of the datagrams that is lost"),
    ("duplication", probability, "the part that arrives twice"),
    ("reordering", probability, "the part that is held back while others pass"),
    ("delay", milliseconds, "how long each takes, in milliseconds"),
    ("reordering-delay", milliseconds, "how much longer one that is held back takes, in milliseconds"),
]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen", type=parse_address, required=True, help="where clients send; port 0 for any")
    parser.add_argument("--server", type=parse_address, required=True, help="where it goes")
    parser.add_argument("--seed", type=int, default=1, help="what the dice are made from")
    for name, kind, meaning in ARGUMENTS:
        parser.add_argument(f"--{name}", type=kind, default="5" if name == "reordering-delay" else "0", help=meaning)
        for direction in ("up", "down"):
            parser.add_argument(f"--{name}-{direction}", type=kind, help=f"{meaning}, {direction} only")
    arguments = parser.parse_args()

    def direction(name: str) -> Direction:
        names = [argument.replace("-", "_") for argument, _, _ in ARGUMENTS]
        values = {each: getattr(arguments, f"{each}_{name}") for each in names}
        for each, value in values.items():
            values[each] = getattr(arguments, each) if value is None else value
        return Direction(Conditions(**values), random.Random(f"{arguments.seed} {name}"))

    LossyPath(arguments.listen, arguments.server, direction("up"), direction("down")).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
