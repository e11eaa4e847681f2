"""What both hostile peers of `warp/1` share: what can be done wrong on a control stream, and what must come of it.

An offence is a coroutine that does something to a connection which has been greeted properly; afterwards the other end
must show one of the outcomes that the offence allows.
"""

import argparse
import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from aioquic.buffer import encode_uint_var
from aioquic.quic import events
from aioquic.quic.connection import QuicConnection, QuicConnectionId
from aioquic.quic.packet import QuicFrameType
from aioquic.quic.packet_builder import QuicPacketBuilder
from aioquic.tls import Epoch
from native_tunnel import (
    LARGEST_FRAME_BYTES,
    Code,
    Frame,
    Malformed,
    Member,
    Message,
    NativeTunnel,
    frame,
    going_away,
    integer,
    payload,
    read_frame,
    text,
)
from original_tunnel import say

#: How long the other end has for a verdict; for one where it may say nothing; and for one where it can hardly speak.
PATIENCE_SECONDS = 20.0
SILENCE_SECONDS = 0.3
GLANCE_SECONDS = 0.1
FLOOD_PROBES = 100_000
#: The probes that go out at once in a flood.
FLOOD_BATCH = 2_000
#: RFC 9000 §20.1
INTERNAL_ERROR = 0x01
STREAM_LIMIT_ERROR = 0x04
FRAME_ENCODING_ERROR = 0x07
#: RFC 9001 §4.8: TLS' alert unexpected_message (10).
UNEXPECTED_MESSAGE_ERROR = 0x10A
#: And missing_extension (109).
MISSING_EXTENSION_ERROR = 0x16D
LARGEST_INTEGER = (1 << 62) - 1

# Outcomes
SERVES = "serves"
SILENT = "silent"
MALFORMED = f"closed with {Code.MALFORMED_MESSAGE:#x}"
FRAME = f"closed by QUIC with {FRAME_ENCODING_ERROR:#x}"
LIMIT = f"closed by QUIC with {STREAM_LIMIT_ERROR:#x}"
BROKEN = f"closed by QUIC with {INTERNAL_ERROR:#x}"
MISSING = f"closed by QUIC with {MISSING_EXTENSION_ERROR:#x}"
UNEXPECTED = f"closed by QUIC with {UNEXPECTED_MESSAGE_ERROR:#x}"
#: Wrong or not is for the receiver to say; it must only stay well.
EITHER = frozenset({SERVES, MALFORMED})
ANYTHING = None


class HostileTunnel(NativeTunnel):
    """A connection whose messages wait in a queue for the script that plays its owner. Probes are answered."""

    def __init__(self, quic: QuicConnection) -> None:
        super().__init__(quic)
        self.messages: asyncio.Queue[Frame] = asyncio.Queue()
        self.confirmed = self._loop.create_future()
        self.is_deaf = False

    def handshake_confirmed(self) -> None:
        self.confirmed.set_result(None)

    async def received(self, message: Frame) -> None:
        self.messages.put_nowait(message)

    def quic_event_received(self, event: events.QuicEvent) -> None:
        if self.is_deaf and isinstance(event, events.StreamDataReceived):
            return
        super().quic_event_received(event)

    async def serve_control(self) -> None:
        assert self.control is not None
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            try:
                while True:
                    message = await read_frame(self.control.received)
                    if message.kind == Message.PROBE:
                        await self.send(frame(Message.PROBE_REPLY, integer(1, message.integer(1))))
                    elif message.kind == Message.PROBE_REPLY:
                        if (waiter := self._replies.pop(message.integer(1), None)) and not waiter.done():
                            waiter.set_result(None)
                    else:
                        await self.received(message)
            except Malformed as error:
                say("PROBLEM", f"the other end broke a rule: {error}")

    async def next_message(self, kind: int) -> Frame:
        """Waits for a message of this type; others are passed over."""
        while True:
            message = await asyncio.wait_for(self.messages.get(), PATIENCE_SECONDS)
            if message.kind == kind:
                return message

    async def write(self, data: bytes) -> None:
        """Sends bytes as they are, unless the connection is gone."""
        await self.send(data)

    async def write_slowly(self, data: bytes) -> None:
        """Sends bytes one by one, each in a datagram of its own."""
        for index in range(len(data)):
            await self.send(data[index : index + 1])

    def write_tls(self, message: bytes) -> None:
        """Sends a TLS message in 1-RTT packets."""
        self._quic._crypto_streams[Epoch.ONE_RTT].sender.write(message)
        self.transmit()

    def stop_giving_credit(self) -> None:
        """Lets the other end's flow control run dry: nothing is read any more."""
        self._quic._write_stream_limits = lambda **_: None  # type: ignore[method-assign]
        self._quic._write_connection_limits = lambda **_: None  # type: ignore[method-assign]
        self.is_deaf = True

    def outcome_by_now(self) -> str | None:
        """How the other end closed the connection; None while it is open."""
        if not self.ended.done():
            return None
        event = self.ended.result()
        by = "" if event.frame_type is None else "by QUIC "
        return f"closed {by}with {event.error_code:#x}"

    async def outcome(self, number: int, patience: float = PATIENCE_SECONDS) -> str:
        """What the other end makes of it: it answers a probe, closes the connection, or neither."""
        probe = asyncio.ensure_future(self.probe(number))
        try:
            await asyncio.wait({probe, self.ended}, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            if probe.done() and not probe.cancelled() and probe.exception() is None:
                return SERVES
            return self.outcome_by_now() or SILENT
        finally:
            probe.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await probe

    async def end_seen(self, patience: float = PATIENCE_SECONDS) -> str:
        """Like `outcome`, where the control stream is of no use for a probe any more."""
        await asyncio.wait({self.ended}, timeout=patience)
        return self.outcome_by_now() or SILENT


def omit_transport_parameters(quic: QuicConnection) -> None:
    """Has an end that has not begun yet say nothing about its transport (RFC 9001 §8.2)."""
    initialize = quic._initialize

    def initialize_without(peer_cid: bytes) -> None:
        initialize(peer_cid)
        quic.tls.handshake_extensions.clear()

    quic._initialize = initialize_without  # type: ignore[method-assign]


#: Frames for `issue_connection_ids` by which a receiver retires number 11 twice.
RETIRED_TWICE = [(20, 20), (11, 0), (11, 0)]


def issue_connection_ids(
    tunnel: HostileTunnel, *frames: tuple[int, int], length: int = 8, behind: bytes = b"\x01"
) -> None:
    """Sends NEW_CONNECTION_ID frames of these sequence numbers and numbers to retire prior to, in one packet, behind the
    bytes of another frame."""
    quic = tunnel._quic

    def write(builder: QuicPacketBuilder, connection_id: QuicConnectionId) -> None:
        builder.start_frame(behind[0], capacity=len(behind)).push_bytes(behind[1:])
        for sequence, retire_prior_to in frames:
            buffer = builder.start_frame(QuicFrameType.NEW_CONNECTION_ID, capacity=64)
            buffer.push_uint_var(sequence)
            buffer.push_uint_var(retire_prior_to)
            buffer.push_uint8(length)
            buffer.push_bytes(bytes([sequence]) * length)
            buffer.push_bytes(bytes([sequence]) * 16)
        connection_id.was_sent = True

    quic._write_new_connection_id_frame = write  # type: ignore[method-assign]
    quic._host_cids[-1].was_sent = False
    tunnel.transmit()


@dataclass(frozen=True)
class Offence:
    """Something to do, and the outcomes that it allows; None allows all. `is_final` when no probe can follow it."""

    name: str
    commit: Callable[[HostileTunnel, random.Random], Awaitable[None]]
    allowed: frozenset[str] | None
    is_final: bool = False


def offence(name: str, *allowed: str, is_final: bool = False) -> Callable[[Callable], Offence]:
    """Makes an offence of a coroutine; without outcomes it allows all."""
    return lambda commit: Offence(name, commit, frozenset(allowed) or ANYTHING, is_final)


def writes(name: str, data: bytes, *allowed: str) -> Offence:
    """The offence to write these bytes."""

    async def commit(tunnel: HostileTunnel, dice: random.Random) -> None:
        await tunnel.write(data)

    return Offence(name, commit, frozenset(allowed) or ANYTHING)


def mutations(kind: int, members: list[Member], texts: dict[int, int], blobs: set[int]) -> list[tuple[str, bytes]]:
    """A message with each of its required members missing, doubled and malformed: a name and the frame's bytes each.

    `texts` has the largest size of each member that is a text; `blobs` are those of a fixed size.
    """
    made = []

    def add(name: str, changed: list[Member]) -> None:
        made.append((f"{Message(kind).name.lower()}, {name}", frame(kind, *changed)))

    for index, (key, value) in enumerate(members):
        others = members[:index] + members[index + 1 :]
        add(f"member {key} missing", others)
        add(f"member {key} twice", members + [(key, value)])
        if key in texts:
            add(f"member {key} too long", others + [(key, b"x" * (texts[key] + 1))])
            add(f"member {key} not UTF-8", others + [(key, b"\xff\xfe")])
        elif key in blobs:
            add(f"member {key} too short", others + [(key, value[:-1])])
            add(f"member {key} too long", others + [(key, value + b"\0")])
        else:
            add(f"member {key} empty", others + [(key, b"")])
            add(f"member {key} longer than its integer", others + [(key, value + b"\0")])
            add(f"member {key} cut", others + [(key, b"\xc0\0")])
    return made


#: What neither end may say in 1-RTT packets: a name, and the handshake message (RFC 8446 §4, RFC 9001 §6 and §4.4).
TLS_MESSAGES = [
    ("KeyUpdate", b"\x18\0\0\x01\0"),
    ("KeyUpdate that asks for another", b"\x18\0\0\x01\x01"),
    ("KeyUpdate of nothing", b"\x18\0\0\0"),
    ("CertificateRequest", b"\x0d\0\0\x0b" + b"\0" + b"\0\x08" + b"\0\x0d\0\x04\0\x02\x04\x03"),
    ("ClientHello", b"\x01\0\0\0"),
    ("Finished", b"\x14\0\0\x20" + bytes(32)),
]


def tls_offences() -> list[Offence]:
    """Those messages, after the handshake."""

    def says(name: str, message: bytes) -> Offence:
        async def commit(tunnel: HostileTunnel, dice: random.Random) -> None:
            tunnel.write_tls(message)

        return Offence(f"TLS' {name}", commit, frozenset({UNEXPECTED}))

    return [says(name, message) for name, message in TLS_MESSAGES]


def common_offences(first_message: Callable[[], bytes]) -> list[Offence]:
    """What either end can do wrong after the greeting. `first_message` is its own part of the greeting."""
    probe = frame(Message.PROBE, integer(1, 5))
    offences = [
        writes("a frame with no end", encode_uint_var(Message.PROBE) + encode_uint_var(LARGEST_INTEGER), MALFORMED),
        writes(
            "a frame one byte too long",
            encode_uint_var(Message.PROBE)
            + encode_uint_var(LARGEST_FRAME_BYTES + 1)
            + payload([integer(1, 5), (77, bytes(LARGEST_FRAME_BYTES - 6))]),
            MALFORMED,
        ),
        writes("an unknown frame too long", encode_uint_var(1 << 40) + encode_uint_var(1 << 40), MALFORMED),
        writes("a member beyond its frame", b"\x05\x03\x01\x02\x05", MALFORMED),
        writes("a member of nearly no end", b"\x05\x0a\x01" + encode_uint_var(LARGEST_INTEGER) + b"\x05", MALFORMED),
        writes("half a member's key", b"\x05\x01\x40", MALFORMED),
        writes("a key without a length", b"\x05\x01\x01", MALFORMED),
        writes("probe, an empty frame", b"\x05\x00", MALFORMED),
        writes("probe reply that nobody asked for", frame(Message.PROBE_REPLY, integer(1, 99)), SERVES, MALFORMED),
        writes("the first message again", first_message(), MALFORMED),
        writes("unknown members", frame(Message.PROBE, integer(1, 5), (9, b"x" * 4000), (1 << 60, b"")), SERVES),
        writes(
            "two thousand unknown members", frame(Message.PROBE, integer(1, 5), *[(9, b"")] * 2000), SERVES
        ),
        writes("the largest frame", frame(Message.PROBE, integer(1, 5), (77, bytes(4088))), SERVES),
        writes("a hundred unknown frames", frame(0x40, (1, b"x" * 1000)) * 100, SERVES),
        writes("an unknown frame that is empty", frame(LARGEST_INTEGER), SERVES),
        writes(
            "integers in their longest form",
            # Probe, 12 bytes, member 1 of 8 bytes: 0.
            b"\xc0\0\0\0\0\0\0\x05" + b"\x80\0\0\x0c" + b"\x40\x01" + b"\x40\x08" + b"\xc0" + bytes(7),
            SERVES,
        ),
    ]
    leave = [text(1, "why"), integer(2, 0), integer(3, 0)]
    offences += [
        writes(name, data, MALFORMED)
        for name, data in mutations(Message.PROBE, [integer(1, 5)], {}, set())
        + mutations(Message.PROBE_REPLY, [integer(1, 5)], {}, set())
        + mutations(Message.GOING_AWAY, leave, {1: 512}, set())
    ]

    @offence("one byte at a time", SERVES)
    async def slowly(tunnel: HostileTunnel, dice: random.Random) -> None:
        await tunnel.write_slowly(probe + frame(0x55, (1, b"unknown")) + probe)

    @offence("the control stream ends", MALFORMED, is_final=True)
    async def ends(tunnel: HostileTunnel, dice: random.Random) -> None:
        assert tunnel.control is not None
        tunnel.control.finish()

    @offence("the control stream ends within a frame", MALFORMED, is_final=True)
    async def ends_early(tunnel: HostileTunnel, dice: random.Random) -> None:
        assert tunnel.control is not None
        await tunnel.write(probe[: dice.randint(1, len(probe) - 1)])
        tunnel.control.finish()

    @offence("the control stream is reset", MALFORMED, is_final=True)
    async def resets(tunnel: HostileTunnel, dice: random.Random) -> None:
        assert tunnel.control is not None
        tunnel.control.reset(dice.randint(0, LARGEST_INTEGER))

    @offence("the control stream is reset within a frame", MALFORMED, is_final=True)
    async def resets_early(tunnel: HostileTunnel, dice: random.Random) -> None:
        assert tunnel.control is not None
        await tunnel.write(probe[:-1])
        tunnel.control.reset(0)

    @offence("stop sending on the control stream", MALFORMED, SILENT, SERVES, is_final=True)
    async def stops(tunnel: HostileTunnel, dice: random.Random) -> None:
        assert tunnel.control is not None
        tunnel.control.stop(dice.randint(0, 255))

    @offence("half a frame and no more", SILENT, MALFORMED, is_final=True)
    async def half(tunnel: HostileTunnel, dice: random.Random) -> None:
        await tunnel.write(probe[: dice.randint(1, len(probe) - 1)])

    @offence("a unidirectional stream", LIMIT, MALFORMED)
    async def unidirectional(tunnel: HostileTunnel, dice: random.Random) -> None:
        # Whatever the other end granted.
        tunnel._quic._remote_max_streams_uni = 16
        tunnel._quic._remote_max_stream_data_uni = 1 << 20
        stream_id = tunnel._quic.get_next_available_stream_id(is_unidirectional=True)
        tunnel._quic.send_stream_data(stream_id, b"x")
        tunnel.transmit()

    @offence("a flood of probes", MALFORMED)
    async def flood(tunnel: HostileTunnel, dice: random.Random) -> None:
        for first in range(0, FLOOD_PROBES, FLOOD_BATCH):
            numbers = range(1 << 20 | first, (1 << 20 | first) + FLOOD_BATCH)
            await tunnel.write(b"".join(frame(Message.PROBE, integer(1, number)) for number in numbers))
            if tunnel.ended.done():
                return

    @offence("a flood of probes whose replies nobody reads", is_final=True)
    async def deaf_flood(tunnel: HostileTunnel, dice: random.Random) -> None:
        tunnel.stop_giving_credit()
        with suppress(TimeoutError):
            async with asyncio.timeout(3):
                for first in range(0, FLOOD_PROBES * 3, FLOOD_BATCH):
                    await tunnel.write(probe * FLOOD_BATCH)
                    if tunnel.ended.done():
                        return

    @offence("random bytes")
    async def noise(tunnel: HostileTunnel, dice: random.Random) -> None:
        await tunnel.write(dice.randbytes(dice.randint(1, 5000)))

    @offence("random frames")
    async def random_frames(tunnel: HostileTunnel, dice: random.Random) -> None:
        for _ in range(20):
            kind = dice.choice([*Message, 0, 7, 0x40, dice.getrandbits(62)])
            members = [(dice.randint(0, 7), dice.randbytes(dice.choice([0, 1, 2, 16, 300]))) for _ in range(4)]
            await tunnel.write(frame(kind, *members))

    @offence("a frame with a flipped bit")
    async def flipped(tunnel: HostileTunnel, dice: random.Random) -> None:
        data = bytearray(dice.choice([probe, first_message(), going_away("why", come_back=1, finish=1)]))
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        await tunnel.write(bytes(data))

    offences += [slowly, ends, ends_early, resets, resets_early, stops, half, unidirectional, flood, deaf_flood]
    offences += tls_offences()

    @offence("connection IDs to be retired twice", SILENT, BROKEN)
    async def retires_twice(tunnel: HostileTunnel, dice: random.Random) -> None:
        issue_connection_ids(tunnel, *RETIRED_TWICE)

    @offence("a hundred connection IDs", SERVES)
    async def many(tunnel: HostileTunnel, dice: random.Random) -> None:
        for first in range(100, 200, 10):
            issue_connection_ids(tunnel, *((sequence, 0) for sequence in range(first, first + 10)))

    @offence("a connection ID of no bytes", FRAME)
    async def empty(tunnel: HostileTunnel, dice: random.Random) -> None:
        issue_connection_ids(tunnel, (9, 0), length=0)

    @offence("connection IDs behind what is no frame", FRAME)
    async def hidden(tunnel: HostileTunnel, dice: random.Random) -> None:
        # ngtcp2 takes it for a STREAM frame: stream 0, no bytes.
        issue_connection_ids(tunnel, *RETIRED_TWICE, behind=b"\x2a\0\0")

    offences += [retires_twice, many, empty, hidden]
    return offences + [noise, random_frames, flipped] * 8


class Judge:
    """Counts rounds and names those that ended as they must not."""

    def __init__(self, seed: int) -> None:
        self.rounds = 0
        self._seed = seed

    def dice(self) -> random.Random:
        """Those of the next round."""
        self.rounds += 1
        return random.Random(f"{self._seed} {self.rounds}")

    def note(self, name: str, outcome: str, allowed: frozenset[str] | None) -> None:
        """Compares."""
        verdict = "ROUND" if allowed is None or outcome in allowed else "PROBLEM"
        expected = "anything" if allowed is None else " or ".join(sorted(allowed))
        say(verdict, f"{self.rounds} (seed {self._seed}): {name}: {outcome}", f"(expected: {expected})")


async def play(tunnel: HostileTunnel, each: Offence, judge: Judge, dice: random.Random) -> None:
    """Commits an offence, waits for what comes of it and closes what is still open."""
    number = dice.getrandbits(60)
    try:
        await each.commit(tunnel, dice)
        may_be_silent = each.allowed is None or SILENT in each.allowed
        if each.is_final:
            outcome = await tunnel.end_seen(GLANCE_SECONDS if may_be_silent else PATIENCE_SECONDS)
        else:
            outcome = await tunnel.outcome(number, SILENCE_SECONDS if may_be_silent else PATIENCE_SECONDS)
        judge.note(each.name, outcome, each.allowed)
    except ConnectionError as error:
        judge.note(each.name, tunnel.outcome_by_now() or f"{error}", each.allowed)
    finally:
        tunnel.close(Code.SHUTTING_DOWN, "next")


def add_fuzz_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that both programs have."""
    parser.add_argument("--seed", type=int, default=1, help="what the rounds are made from")
    parser.add_argument("--only", default="", help="play only the rounds whose name contains this")
