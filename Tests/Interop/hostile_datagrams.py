"""Sends a listener what no honest client would, and says in one line of JSON how it answered.

    {"sent": 1800, "received": 700, "version_negotiation": 300, "stateless_resets": 300,
     "largest_reset_vs_trigger": 0.98, "retries": 100, "invalid_retries": 0, "max_amplification": 2.1}

* `version_negotiation`: answers to Initials of versions that do not exist, with both connection IDs echoed
* `stateless_resets`: answers to 1-RTT packets of unknown connections. `largest_reset_vs_trigger` is the largest length
  of a reset relative to the packet that triggered it: under 1 (RFC 9000 §10.3.3), null if there was none
* `retries`: Retry packets with a right integrity tag, in answer to a flood of valid first Initials;
  `invalid_retries`: the other ones
* `max_amplification`: the largest quotient of bytes received and bytes sent over all unvalidated addresses: at most 3
  (RFC 9000 §8.1)

All noise is drawn from `--seed`; the valid Initials have fresh keys each time. Exits 0 when it could send everything;
1, with a line on stderr, when nothing listens on the port, at the start or any more.
"""

import argparse
import ipaddress
import json
import random
import selectors
import socket
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from aioquic.buffer import Buffer, encode_uint_var
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.packet import (
    RETRY_INTEGRITY_TAG_SIZE,
    QuicHeader,
    QuicPacketType,
    QuicProtocolVersion,
    get_retry_integrity_tag,
    pull_quic_header,
)
from original_tunnel import ALPN

#: RFC 9000 §14.1: a client's Initial fills a datagram of at least this size.
INITIAL_DATAGRAM_BYTES = 1200
CONNECTION_ID_BYTES = 8
LARGEST_COUNT = 20_000
#: How long answers are waited for after the last datagram of a kind; the flood's are retransmitted for a while.
SETTLE_SECONDS = 0.5
FLOOD_SETTLE_SECONDS = 3.0
FLOOD_SOCKETS = 8
#: Datagrams sent before answers are taken, so that neither side's socket buffer overflows.
BATCH = 16


@dataclass
class UnvalidatedAddress:
    """One local UDP address that never proves itself to the listener: what went out from it and what came back."""

    remote: tuple[str, int]
    sent: list[bytes] = field(default_factory=list)
    received: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        family = socket.AF_INET6 if ":" in self.remote[0] else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        # Connected, so that the kernel says when nothing listens there.
        self.socket.connect(self.remote)

    def send(self, datagram: bytes) -> None:
        """Sends one datagram."""
        self.socket.send(datagram)
        self.sent.append(datagram)

    def receive(self) -> None:
        """Takes everything that has arrived."""
        while True:
            try:
                self.received.append(self.socket.recv(65_535))
            except BlockingIOError:
                return

    @property
    def amplification(self) -> float:
        """Bytes received for each byte sent."""
        return sum(map(len, self.received)) / max(1, sum(map(len, self.sent)))


@dataclass
class Verdict:
    """What the listener answered, in numbers."""

    sent: int = 0
    received: int = 0
    version_negotiation: int = 0
    stateless_resets: int = 0
    largest_reset_vs_trigger: float | None = None
    retries: int = 0
    invalid_retries: int = 0
    max_amplification: float = 0.0

    def add_traffic(self, addresses: Iterable[UnvalidatedAddress]) -> None:
        """Counts the traffic of addresses that are through."""
        for address in addresses:
            self.sent += len(address.sent)
            self.received += len(address.received)
            self.max_amplification = max(self.max_amplification, round(address.amplification, 3))

    def add_reset(self, reset: bytes, trigger: bytes) -> None:
        """Counts a stateless reset."""
        self.stateless_resets += 1
        quotient = round(len(reset) / len(trigger), 4)
        self.largest_reset_vs_trigger = max(self.largest_reset_vs_trigger or 0.0, quotient)


class Attack:
    """The kinds of hostile traffic, each from addresses of its own."""

    def __init__(self, remote: tuple[str, int], seed: int, count: int) -> None:
        self._remote = remote
        self._random = random.Random(seed)
        self._count = count
        self._initials = QuicConfiguration(
            alpn_protocols=[ALPN], server_name="localhost", supported_versions=[QuicProtocolVersion.VERSION_1]
        )
        self.verdict = Verdict()

    def run(self) -> Verdict:
        """Sends every kind, one after the other."""
        self._volley(self._noise)
        self._volley(self._truncated_initial)
        self._volley(self._undecryptable_initial)
        self._ask_for_unknown_versions()
        self._address_unknown_connections()
        self._flood_with_first_initials()
        return self.verdict

    # Kinds whose answers only count as traffic

    def _noise(self) -> bytes:
        return self._random.randbytes(self._random.randint(1, 1500))

    def _truncated_initial(self) -> bytes:
        initial = self._first_initial()[0]
        return initial[: self._random.randint(1, len(initial) - 1)]

    def _undecryptable_initial(self) -> bytes:
        return self._long_header_packet(QuicProtocolVersion.VERSION_1)[0]

    def _volley(self, make: Callable[[], bytes]) -> None:
        address = UnvalidatedAddress(self._remote)
        self._exchange([address], ((address, make()) for _ in range(self._count)), SETTLE_SECONDS)

    # Kinds whose answers are told apart

    def _ask_for_unknown_versions(self) -> None:
        address = UnvalidatedAddress(self._remote)
        asked: set[tuple[bytes, bytes]] = set()

        def initials() -> Iterable[tuple[UnvalidatedAddress, bytes]]:
            for _ in range(self._count):
                # RFC 9000 §15: versions of this pattern are reserved to force version negotiation.
                version = self._random.getrandbits(32) & 0xF0F0F0F0 | 0x0A0A0A0A
                datagram, destination, source = self._long_header_packet(version)
                asked.add((destination, source))
                yield address, datagram

        self._exchange([address], initials(), SETTLE_SECONDS)
        for datagram in address.received:
            header = parse(datagram)
            # RFC 9000 §17.2.1: both connection IDs come back, swapped.
            if (
                header is not None
                and header.packet_type is QuicPacketType.VERSION_NEGOTIATION
                and (header.source_cid, header.destination_cid) in asked
            ):
                self.verdict.version_negotiation += 1

    def _address_unknown_connections(self) -> None:
        # One packet an address, so that each reset is known by its trigger.
        for first in range(0, self._count, BATCH):
            batch = [UnvalidatedAddress(self._remote) for _ in range(min(BATCH, self._count - first))]
            packets = ((address, self._short_header_packet()) for address in batch)
            self._exchange(batch, packets, SETTLE_SECONDS, expected_answers=len(batch))
            for address in batch:
                for datagram in address.received:
                    # RFC 9000 §10.3: it looks like a 1-RTT packet of at least 21 bytes.
                    if datagram[0] & 0xC0 == 0x40 and len(datagram) >= 21:
                        self.verdict.add_reset(datagram, address.sent[0])
                address.socket.close()

    def _flood_with_first_initials(self) -> None:
        addresses = [UnvalidatedAddress(self._remote) for _ in range(min(FLOOD_SOCKETS, self._count))]
        original_destinations: dict[bytes, bytes] = {}

        def initials() -> Iterable[tuple[UnvalidatedAddress, bytes]]:
            for index in range(self._count):
                datagram, destination, source = self._first_initial()
                original_destinations[source] = destination
                yield addresses[index % len(addresses)], datagram

        self._exchange(addresses, initials(), FLOOD_SETTLE_SECONDS)
        for datagram in (datagram for address in addresses for datagram in address.received):
            header = parse(datagram)
            if header is None or header.packet_type is not QuicPacketType.RETRY:
                continue
            if is_genuine_retry(datagram, header, original_destinations.get(header.destination_cid)):
                self.verdict.retries += 1
            else:
                self.verdict.invalid_retries += 1

    # Sending and receiving

    def _exchange(
        self,
        addresses: list[UnvalidatedAddress],
        datagrams: Iterable[tuple[UnvalidatedAddress, bytes]],
        settle_seconds: float,
        expected_answers: int | None = None,
    ) -> None:
        """Sends the datagrams in small batches, then takes answers until `settle_seconds` have passed, or at once when
        as many have come as can be expected."""
        with selectors.DefaultSelector() as selector:
            for address in addresses:
                selector.register(address.socket, selectors.EVENT_READ, address)

            def receive(until: float) -> None:
                while (left := until - time.monotonic()) > 0:
                    if expected_answers is not None and sum(len(a.received) for a in addresses) >= expected_answers:
                        return
                    for key, _ in selector.select(left):
                        key.data.receive()

            for index, (address, datagram) in enumerate(datagrams, start=1):
                address.send(datagram)
                if index % BATCH == 0:
                    receive(until=time.monotonic() + 0.001)
            receive(until=time.monotonic() + settle_seconds)
        self.verdict.add_traffic(addresses)

    # Packets

    def _first_initial(self) -> tuple[bytes, bytes, bytes]:
        """A client's valid first datagram, and its destination and source connection IDs."""
        quic = QuicConnection(configuration=self._initials)
        quic.connect(self._remote, now=0.0)
        datagram = quic.datagrams_to_send(now=0.0)[0][0]
        return datagram, quic.original_destination_connection_id, quic.host_cid

    def _long_header_packet(self, version: int) -> tuple[bytes, bytes, bytes]:
        """An Initial with an intact header and noise where the ciphertext belongs, and its connection IDs."""
        destination = self._random.randbytes(CONNECTION_ID_BYTES)
        source = self._random.randbytes(CONNECTION_ID_BYTES)
        # RFC 9000 §17.2.2: first byte, version, both connection IDs, token length 0, length, packet number and payload.
        header = bytes([0xC3]) + version.to_bytes(4, "big")
        header += bytes([len(destination)]) + destination + bytes([len(source)]) + source + encode_uint_var(0)
        payload_bytes = INITIAL_DATAGRAM_BYTES - len(header) - 2
        packet = header + encode_uint_var(payload_bytes) + self._random.randbytes(payload_bytes)
        return packet, destination, source

    def _short_header_packet(self) -> bytes:
        """A 1-RTT packet of no connection; 43 bytes and more, as a shorter one need not be answered (§10.3.3)."""
        first_byte = 0x40 | self._random.getrandbits(6)
        return bytes([first_byte]) + self._random.randbytes(self._random.randint(42, INITIAL_DATAGRAM_BYTES - 1))


def parse(datagram: bytes) -> QuicHeader | None:
    """The header of a datagram's first packet, if it is a long one that can be read."""
    if not datagram or not datagram[0] & 0x80:
        return None
    try:
        return pull_quic_header(Buffer(data=datagram))
    except ValueError:
        return None


def is_genuine_retry(datagram: bytes, header: QuicHeader, original_destination: bytes | None) -> bool:
    """Whether a Retry belongs to an Initial of ours and carries a token and the right tag (RFC 9001 §5.8)."""
    if original_destination is None or not header.token or header.source_cid == original_destination:
        return False
    tag = get_retry_integrity_tag(
        datagram[:-RETRY_INTEGRITY_TAG_SIZE], original_destination, version=QuicProtocolVersion.VERSION_1
    )
    return tag == header.integrity_tag


def loopback(host: str) -> str:
    """Accepts loopback addresses only: this program attacks, and nothing but a listener of ours may be attacked."""
    address = ipaddress.ip_address(host)
    if not address.is_loopback:
        raise argparse.ArgumentTypeError(f"{host} is not a loopback address; use 127.0.0.1 or ::1")
    return str(address)


def bounded_count(text: str) -> int:
    """Accepts a number of datagrams within bounds."""
    count = int(text)
    if not 1 <= count <= LARGEST_COUNT:
        raise argparse.ArgumentTypeError(f"{count} is not within 1 and {LARGEST_COUNT}")
    return count


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", type=loopback, default="127.0.0.1", help="the listener's address, loopback only")
    parser.add_argument("--port", type=int, required=True, help="its UDP port")
    parser.add_argument("--seed", type=int, default=1, help="what the noise is drawn from")
    parser.add_argument("--count", type=bounded_count, default=300, help="datagrams of each kind")
    arguments = parser.parse_args()
    try:
        verdict = Attack((arguments.host, arguments.port), arguments.seed, arguments.count).run()
    except ConnectionRefusedError:
        print(f"nothing listens on {arguments.host} UDP port {arguments.port} (any more)", file=sys.stderr)
        return 1
    print(json.dumps(vars(verdict)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
