"""Plays a listener that breaks the rules of `warp/1`, in another way each time one of our connectors comes back.

Prints `LISTENING <udp port>`, then for each round `ROUND <n> (seed <n>): <offence>: <outcome> (expected: …)`, or
`PROBLEM …` in the same form when the connector does what it must not, and `DONE <rounds>`. After that it behaves: each
connector is welcome and every visitor of `PORT <tcp port>` is relayed to `--target`, until SIGTERM.
"""

import argparse
import asyncio
import random
import secrets
import sys
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aioquic.quic.connection import QuicConnection, QuicNetworkPath
from aioquic.quic.packet import QuicFrameType, QuicPacketType
from aioquic.quic.packet_builder import QuicPacketBuilder
from aioquic.tls import Epoch
from native_fuzz import (
    LARGEST_INTEGER,
    MALFORMED,
    MISSING,
    SERVES,
    SILENCE_SECONDS,
    SILENT,
    HostileTunnel,
    Judge,
    Offence,
    add_fuzz_arguments,
    common_offences,
    mutations,
    offence,
    omit_transport_parameters,
    play,
    writes,
)
from native_listener import NativeListener
from native_tunnel import (
    ALPN,
    CONTROL_STREAM,
    Code,
    Malformed,
    Message,
    Status,
    frame,
    hello,
    integer,
    limit_peer_streams,
    native_configuration,
    read_frame,
    text,
    welcome,
)
from original_listener import demand_client_certificate
from original_tunnel import TunnelStream, add_listener_arguments, say, serve_until_terminated

#: Longer than a connector waits at most after its second loss, 0.4 s: a session that lasted so long counts as good.
GOOD_SESSION_SECONDS = 0.45
REPLY_SECONDS = 10.0
WORDS = b"is anybody there?"


class HostileListener(HostileTunnel):
    """A listener's end."""

    def __init__(self, quic: QuicConnection) -> None:
        demand_client_certificate(quic)
        limit_peer_streams(quic, bidirectional=1)
        super().__init__(quic)
        self.has_control = self._loop.create_future()

    def stream_opened(self, stream: TunnelStream) -> None:
        if stream.id == CONTROL_STREAM:
            self.control = stream
            self.has_control.set_result(None)
            self.spawn(self.serve_control())
        else:
            say("PROBLEM", f"the connector opened stream {stream.id}")

    async def wait_for_hello(self) -> bytes:
        """Waits for a good hello and returns its instance."""
        await asyncio.wait_for(self.has_control, REPLY_SECONDS)
        message = await self.next_message(Message.HELLO)
        try:
            message.integer(1), message.text(2, most=64), message.integer(4)
            return message.bytes(3, 16)
        except Malformed as error:
            say("PROBLEM", f"hello: {error}")
            return b""


@dataclass(frozen=True)
class HandshakeOffence:
    """Something done to a connection that has not begun yet, and what must come of it."""

    name: str
    prepare: Callable[[QuicConnection], object]
    outcome: str


def finish_early(quic: QuicConnection) -> None:
    """Has HANDSHAKE_DONE leave with the server's own flight, not behind the client's (RFC 9001 §4.1.2)."""
    write_application = quic._write_application

    def write_it_first(builder: QuicPacketBuilder, network_path: QuicNetworkPath, now: float) -> None:
        crypto = quic._cryptos[Epoch.ONE_RTT]
        if crypto.send.is_valid() and not quic._handshake_complete:
            builder.start_packet(QuicPacketType.ONE_RTT, crypto)
            quic._write_handshake_done_frame(builder)
        write_application(builder, network_path, now)

    quic._write_application = write_it_first  # type: ignore[method-assign]


class Drain:
    """A server's flight that comes when the client may send nothing any more, and HANDSHAKE_DONE right behind it.

    Nothing is acknowledged, and PINGs in Initial packets use the client's congestion window up: it answers each with a
    datagram of full size.
    """

    PINGS = 45
    #: Longer than a client waits before it acknowledges.
    INTERVAL_SECONDS = 0.018

    def __init__(self, quic: QuicConnection) -> None:
        self._quic = quic
        self._steps = [self._ping] * self.PINGS + [self._flight] + [self._done] * 3
        self._next_time = 0.0
        quic.datagrams_to_send = self._datagrams_to_send  # type: ignore[method-assign]

    async def play(self, tunnel: HostileListener) -> str:
        """Returns what comes of it."""
        async with asyncio.timeout(REPLY_SECONDS):
            while self._steps:
                await asyncio.sleep(self.INTERVAL_SECONDS)
                tunnel.transmit()
        return await tunnel.end_seen(SILENCE_SECONDS)

    def _datagrams_to_send(self, now: float) -> list[tuple[bytes, tuple]]:
        if not self._steps or not self._quic._cryptos[Epoch.ONE_RTT].send.is_valid() or now < self._next_time:
            return []
        self._next_time = now + self.INTERVAL_SECONDS
        quic = self._quic
        builder = QuicPacketBuilder(
            host_cid=quic.host_cid,
            is_client=False,
            max_datagram_size=1200,
            packet_number=quic._packet_number,
            peer_cid=quic._peer_cid.cid,
            peer_token=b"",
            quic_logger=None,
            spin_bit=False,
            version=quic._version,
        )
        self._steps.pop(0)(builder)
        datagrams, _ = builder.flush()
        quic._packet_number = builder.packet_number
        return [(datagram, quic._network_paths[0].addr) for datagram in datagrams]

    def _ping(self, builder: QuicPacketBuilder) -> None:
        builder.start_packet(QuicPacketType.INITIAL, self._quic._cryptos[Epoch.INITIAL])
        builder.start_frame(QuicFrameType.PING)

    def _flight(self, builder: QuicPacketBuilder) -> None:
        levels = [(Epoch.INITIAL, QuicPacketType.INITIAL), (Epoch.HANDSHAKE, QuicPacketType.HANDSHAKE)]
        for epoch, packet_type in levels:
            stream = self._quic._crypto_streams[epoch]
            while not stream.sender.buffer_is_empty:
                builder.start_packet(packet_type, self._quic._cryptos[epoch])
                if not self._quic._write_crypto_frame(builder=builder, space=self._quic._spaces[epoch], stream=stream):
                    break

    def _done(self, builder: QuicPacketBuilder) -> None:
        builder.start_packet(QuicPacketType.ONE_RTT, self._quic._cryptos[Epoch.ONE_RTT])
        builder.start_frame(QuicFrameType.HANDSHAKE_DONE)


HANDSHAKE_OFFENCES = [
    HandshakeOffence("no transport parameters", omit_transport_parameters, MISSING),
    HandshakeOffence("the handshake's end with its beginning", finish_early, SERVES),
    HandshakeOffence("the handshake's end when the client has no word", Drain, SILENT),
]


def first_message() -> bytes:
    """A good welcome."""
    return frame(Message.WELCOME, *welcome("client-a", secrets.token_bytes(16)))


def welcome_offences() -> list[Offence]:
    """What can be wrong in place of welcome."""
    good = welcome("client-a", bytes(16))
    offences = [
        writes(name, data, MALFORMED) for name, data in mutations(Message.WELCOME, good, {2: 64, 3: 255}, {4})
    ]
    refusal = [integer(1, 1), text(2, "why")]
    offences += [
        writes(name, data, MALFORMED) for name, data in mutations(Message.REFUSAL, refusal, {2: 512}, set())
    ]
    others = [member for member in good if member[0] != 3]
    offences += [
        writes("welcome to nobody", frame(Message.WELCOME, *others, (3, b"")), MALFORMED),
        writes("welcome of version 2", frame(Message.WELCOME, *welcome("client-a", bytes(16), version=2)), MALFORMED),
        writes("welcome of version 0", frame(Message.WELCOME, *welcome("client-a", bytes(16), version=0)), MALFORMED),
        writes("welcome twice at once", first_message() * 2, MALFORMED),
        writes("hello from a listener", frame(Message.HELLO, *hello(bytes(16))), MALFORMED),
        writes("dead at once", frame(Message.WELCOME, *welcome("client-a", bytes(16), dead_after=0))),
        writes(
            "never dead", frame(Message.WELCOME, *welcome("client-a", bytes(16), dead_after=LARGEST_INTEGER)), SERVES
        ),
        writes("welcome with unknown members", frame(Message.WELCOME, *good, (99, b"x" * 3900)), SERVES),
        writes("a probe before welcome", frame(Message.PROBE, integer(1, 1)), SERVES),
        writes(
            "refusal and welcome at once",
            frame(Message.REFUSAL, integer(1, 1), text(2, "why")) + first_message(),
        ),
    ]

    @offence("welcome byte by byte", SERVES)
    async def slowly(tunnel: HostileTunnel, dice: random.Random) -> None:
        await tunnel.write_slowly(first_message())

    @offence("half a welcome", SILENT, is_final=True)
    async def half(tunnel: HostileTunnel, dice: random.Random) -> None:
        data = first_message()
        await tunnel.write(data[: dice.randint(1, len(data) - 1)])

    @offence("a relay before welcome")
    async def relay_first(tunnel: HostileTunnel, dice: random.Random) -> None:
        await tunnel.open_stream().write(frame(1, integer(1, 1), text(2, "127.0.0.1"), integer(3, 9)))

    @offence("the end in place of welcome", MALFORMED, is_final=True)
    async def ends(tunnel: HostileTunnel, dice: random.Random) -> None:
        assert tunnel.control is not None
        tunnel.control.finish()

    return offences + [slowly, half, relay_first, ends]


def control_offences() -> list[Offence]:
    """What can be wrong after welcome."""
    return common_offences(first_message) + [
        writes("hello from a listener, later", frame(Message.HELLO, *hello(bytes(16))), SERVES, MALFORMED),
        writes("refusal after welcome", frame(Message.REFUSAL, integer(1, 1), text(2, "no"))),
    ]


Open = Callable[[TunnelStream, random.Random], Awaitable[None]]
#: What comes of a relay: its reply's status, or one of these.
GONE = "reset"
ECHOED = "echoed"


def status(number: int) -> str:
    """The outcome that the connector replied with this status."""
    return f"status {number}"


def relay_offences(host: str, port: int) -> list[tuple[str, Open, frozenset[str] | None]]:
    """What can be wrong about a relay: a name, what is done, and what may come of it; an echo target is at the
    address."""
    good = [integer(1, 7), text(2, host), integer(3, port)]
    malformed = frozenset({status(Status.MALFORMED_HEADER)})

    def header(data: bytes) -> Open:
        async def write(stream: TunnelStream, dice: random.Random) -> None:
            await stream.write(data)

        return write

    offences: list[tuple[str, Open, frozenset[str] | None]] = [
        (name.replace("hello", "header"), header(data), malformed)
        for name, data in mutations(1, good, {2: 253}, set())
    ]
    names = [good[0], good[2]]
    numbers = [good[0], good[1]]
    unsupported = frozenset({status(Status.UNSUPPORTED_KIND)})
    echoed = frozenset({ECHOED})
    offences += [
        ("an empty host", header(frame(1, *names, (2, b""))), malformed),
        ("a host with a zero byte", header(frame(1, *names, (2, b"127.0.0.1\0"))), None),
        ("port 0", header(frame(1, *numbers, integer(3, 0))), malformed),
        ("port 65536", header(frame(1, *numbers, integer(3, 65_536))), malformed),
        ("the largest port", header(frame(1, *numbers, integer(3, LARGEST_INTEGER))), malformed),
        ("a header that is too long", header(b"\x01\x80\x00\x10\x01"), malformed),
        ("a header with no end", header(b"\x01\xff\xff\xff\xff\xff\xff\xff\xff"), malformed),
        ("a member beyond the header", header(b"\x01\x02\x01\x40"), malformed),
        ("a relay of UDP", header(frame(2, *good)), unsupported),
        ("a relay of packets", header(frame(3, *good)), unsupported),
        ("a relay of an unknown kind", header(frame(LARGEST_INTEGER, *good)), unsupported),
        ("unknown members", header(frame(1, *good, (9, b"x" * 4000)) + WORDS), echoed),
        ("the same relay ID again", header(frame(1, *good) + WORDS), None),
        ("a target that refuses", header(frame(1, *numbers, integer(3, 1))), frozenset({status(Status.REFUSED)})),
    ]

    async def byte_by_byte(stream: TunnelStream, dice: random.Random) -> None:
        data = frame(1, *good) + WORDS
        for index in range(len(data)):
            await stream.write(data[index : index + 1])

    async def ends_within(stream: TunnelStream, dice: random.Random) -> None:
        await stream.write(frame(1, *good)[:5])
        stream.finish()

    async def resets_within(stream: TunnelStream, dice: random.Random) -> None:
        await stream.write(frame(1, *good)[:5])
        stream.reset(dice.randint(0, LARGEST_INTEGER))

    async def stops_and_resets(stream: TunnelStream, dice: random.Random) -> None:
        await stream.write(frame(1, *good))
        stream.stop(dice.randint(0, LARGEST_INTEGER))
        stream.reset(dice.randint(0, LARGEST_INTEGER))

    async def noise(stream: TunnelStream, dice: random.Random) -> None:
        await stream.write(dice.randbytes(dice.randint(1, 3000)))
        stream.finish()

    return offences + [
        ("a header byte by byte", byte_by_byte, echoed),
        ("the end within the header", ends_within, frozenset({status(Status.MALFORMED_HEADER), GONE})),
        ("reset within the header", resets_within, None),
        ("stopped and reset", stops_and_resets, None),
    ] + [("random bytes for a header", noise, None)] * 10


class Attack:
    """All rounds, one connection each, and good behaviour after them.

    Several connectors may come at once. Each gets a bad session and a good one in turn; the latter lasts so long that
    the connector believes in it and does not wait longer and longer before it dials again.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self._judge = Judge(arguments.seed)
        offences = [(each, False) for each in welcome_offences()] + [(each, True) for each in control_offences()]
        self._offences = deque((each, greeted) for each, greeted in offences if arguments.only in each.name)
        self._handshakes = deque(each for each in HANDSHAKE_OFFENCES if arguments.only in each.name)
        self._has_tried_relays = False
        self._is_done = False
        self._tasks: set[asyncio.Task[None]] = set()
        #: The instances of connectors that are owed a good session, with what they had to bear.
        self._offended: dict[bytes, str] = {}

    def accept(self, quic: QuicConnection, stream_handler: object) -> HostileListener | NativeListener:
        """Takes a connector: for the next round, or to serve it."""
        if self._is_done:
            return NativeListener(quic, self._arguments)
        if self._handshakes:
            each = self._handshakes.popleft()
            prepared = each.prepare(quic)
            tunnel = HostileListener(quic)
            round = self._play_handshake(tunnel, each, prepared)
        else:
            tunnel = HostileListener(quic)
            round = self._serve(tunnel)
        self._tasks.add(task := asyncio.ensure_future(round))
        task.add_done_callback(self._served)
        return tunnel

    async def _play_handshake(self, tunnel: HostileListener, each: HandshakeOffence, prepared: object) -> None:
        dice = self._judge.dice()
        if each.outcome == SERVES:
            await tunnel.wait_for_hello()
            await tunnel.write(first_message())
            outcome = await tunnel.outcome(dice.getrandbits(60))
        elif isinstance(prepared, Drain):
            outcome = await prepared.play(tunnel)
        else:
            outcome = await tunnel.end_seen()
        self._judge.note(each.name, outcome, frozenset({each.outcome}))
        tunnel.close(Code.SHUTTING_DOWN, "next")

    async def _serve(self, tunnel: HostileListener) -> None:
        async with asyncio.timeout(REPLY_SECONDS):
            await tunnel.confirmed
        hello = await tunnel.wait_for_hello()
        dice = self._judge.dice()
        if (name := self._offended.pop(hello, None)) is not None:
            await tunnel.write(first_message())
            outcome = await tunnel.outcome(dice.getrandbits(60))
            self._judge.note(f"{name}, the next session", outcome, frozenset({SERVES}))
            await asyncio.sleep(GOOD_SESSION_SECONDS)
        elif self._offences:
            each, greeted = self._offences.popleft()
            self._offended[hello] = each.name
            if greeted:
                await tunnel.write(first_message())
            await play(tunnel, each, self._judge, dice)
        elif not self._has_tried_relays:
            self._has_tried_relays = True
            await tunnel.write(first_message())
            await self._play_relays(tunnel)
            self._is_done = True
            say("DONE", self._judge.rounds)
        tunnel.close(Code.SHUTTING_DOWN, "next")

    def _served(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            say("PROBLEM", f"a round ended early: {error!r}")

    async def _play_relays(self, tunnel: HostileListener) -> None:
        host, _, port = self._arguments.target.rpartition(":")
        # One session for all of them: what is wrong about a relay is no matter of the session.
        for name, open_relay, allowed in relay_offences(host, int(port)):
            if self._arguments.only not in name:
                continue
            dice = self._judge.dice()
            stream = tunnel.open_stream()
            await open_relay(stream, dice)
            outcome = await self._reply(stream, patience=0.3 if allowed is None else REPLY_SECONDS)
            self._judge.note(name, outcome, allowed)
            stream.reset(Code.CONNECTION_RESET)
            stream.stop(Code.CONNECTION_RESET)
            tunnel.forget(stream)
            self._judge.note(f"{name}, the session", await tunnel.outcome(dice.getrandbits(60)), frozenset({SERVES}))

    @staticmethod
    async def _reply(stream: TunnelStream, patience: float) -> str:
        try:
            async with asyncio.timeout(patience):
                reply = await read_frame(stream.received)
                if reply.kind != Status.CONNECTED:
                    reply.text(1, most=512)
                    return status(reply.kind)
                return ECHOED if await stream.received.readexactly(len(WORDS)) == WORDS else "other bytes"
        except Malformed as error:
            return f"a bad reply: {error}"
        except (ConnectionError, asyncio.IncompleteReadError):
            return GONE
        except TimeoutError:
            return SILENT


async def run(arguments: argparse.Namespace) -> int:
    """Plays all rounds, then serves until SIGTERM; returns the exit code."""
    configuration = native_configuration(arguments, is_client=False, server_name=None, protocols=[ALPN])
    attack = Attack(arguments)
    return await serve_until_terminated(arguments, configuration, attack.accept)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_listener_arguments(parser, target="an echo target")
    add_fuzz_arguments(parser)
    # What the good listener wants besides.
    parser.set_defaults(kind=1, refuse=None, come_back=0, dead_after=30_000)
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
