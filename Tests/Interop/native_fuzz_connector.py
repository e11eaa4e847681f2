"""Plays connectors that break the rules of `warp/1`, one after the other, against our listener.

Prints for each round `ROUND <n> (seed <n>): <offence>: <outcome> (expected: …)`, or `PROBLEM …` in the same form when
the listener does what it must not; and `DONE <rounds>` at the end, and exits 0. Relays are tried with visitors of its
own, on the forward's port that `--visitor-port` names; that forward belongs to the common name of `--cert`.
"""

import argparse
import asyncio
import random
import secrets
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from aioquic.quic import events
from aioquic.quic.connection import QuicConnection
from native_fuzz import (
    EITHER,
    LARGEST_INTEGER,
    LIMIT,
    MALFORMED,
    MISSING,
    SERVES,
    SILENT,
    TLS_MESSAGES,
    UNEXPECTED,
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
from native_tunnel import (
    ALPN,
    Code,
    Message,
    Status,
    frame,
    going_away,
    hello,
    integer,
    limit_peer_streams,
    native_configuration,
    read_frame,
    text,
    welcome,
)
from original_tunnel import TunnelStream, add_tunnel_arguments, say

WORDS = b"is anybody there?"
#: What a visitor may see.
RESET = "reset"
ENDED = "ended"
DIAL_SECONDS = 10.0


class HostileConnector(HostileTunnel):
    """A connector's end. The listener's streams wait in a queue.

    `with_finished` is a TLS message that leaves in the same datagram as the handshake's last one.
    """

    def __init__(self, quic: QuicConnection, *, with_finished: bytes = b"") -> None:
        super().__init__(quic)
        self._with_finished = with_finished
        self.relays: asyncio.Queue[TunnelStream] = asyncio.Queue()

    def quic_event_received(self, event: events.QuicEvent) -> None:
        super().quic_event_received(event)
        if isinstance(event, events.HandshakeCompleted):
            if self._with_finished:
                self.write_tls(self._with_finished)
            self.control = self.open_stream()
            self.spawn(self.serve_control())

    def stream_opened(self, stream: TunnelStream) -> None:
        self.relays.put_nowait(stream)

    async def greet(self) -> None:
        """Says hello and waits for welcome."""
        await self.write(first_message())
        await self.next_message(Message.WELCOME)


def first_message() -> bytes:
    """A good hello of a program that nobody knows."""
    return frame(Message.HELLO, *hello(secrets.token_bytes(16)))


def hello_offences() -> list[Offence]:
    """What can be wrong before the listener has said welcome; a probe that is answered counts as serving."""
    good = hello(bytes(16))
    offences = [
        writes(name, data, MALFORMED) for name, data in mutations(Message.HELLO, good, {2: 64}, {3})
    ]
    offences += [
        writes("a probe first", frame(Message.PROBE, integer(1, 1)), MALFORMED),
        writes("going away first", going_away("why", come_back=0, finish=0), MALFORMED),
        writes("an unknown frame first, then hello", frame(0x33) + first_message(), SERVES, MALFORMED),
        writes("hello twice at once", first_message() * 2, MALFORMED),
        writes("hello and a probe at once", first_message() + frame(Message.PROBE, integer(1, 1)), SERVES),
        writes("hello with unknown members", frame(Message.HELLO, *good, (99, b"x" * 3900)), SERVES),
        writes("hello of a far version", frame(Message.HELLO, *hello(bytes(16), version=LARGEST_INTEGER)), SERVES),
        writes("hello without capabilities", frame(Message.HELLO, *hello(bytes(16), capabilities=0)), SERVES),
        writes(
            "hello with every capability", frame(Message.HELLO, *hello(bytes(16), capabilities=LARGEST_INTEGER)), SERVES
        ),
        writes("hello of version 0", frame(Message.HELLO, *hello(bytes(16), version=0))),
        writes("welcome from a connector", frame(Message.WELCOME, *welcome("me", bytes(16))), MALFORMED),
    ]

    @offence("hello byte by byte", SERVES)
    async def slowly(tunnel: HostileTunnel, dice: random.Random) -> None:
        await tunnel.write_slowly(first_message())

    @offence("no hello", SILENT, is_final=True)
    async def nothing(tunnel: HostileTunnel, dice: random.Random) -> None:
        pass

    @offence("half a hello", SILENT, is_final=True)
    async def half(tunnel: HostileTunnel, dice: random.Random) -> None:
        data = first_message()
        await tunnel.write(data[: dice.randint(1, len(data) - 1)])

    @offence("the control stream ends before hello", MALFORMED, is_final=True)
    async def ends(tunnel: HostileTunnel, dice: random.Random) -> None:
        assert tunnel.control is not None
        tunnel.control.finish()

    @offence("hello and the end at once", MALFORMED, is_final=True)
    async def ends_after(tunnel: HostileTunnel, dice: random.Random) -> None:
        assert tunnel.control is not None
        await tunnel.write(first_message())
        tunnel.control.finish()

    @offence("hello and gone at once", is_final=True)
    async def gone(tunnel: HostileTunnel, dice: random.Random) -> None:
        await tunnel.write(first_message())
        tunnel.close(Code.NO_ERROR, "gone")

    return offences + [slowly, nothing, half, ends, ends_after, gone]


def control_offences() -> list[Offence]:
    """What can be wrong after welcome."""
    offences = common_offences(first_message)
    offences += [
        writes("welcome from a connector, later", frame(Message.WELCOME, *welcome("me", bytes(16))), *EITHER),
        writes("refusal from a connector", frame(Message.REFUSAL, integer(1, 1), text(2, "no")), *EITHER),
        writes("going away and never going", going_away("why", come_back=0, finish=LARGEST_INTEGER), SERVES),
        writes("going away twice", going_away("why", come_back=LARGEST_INTEGER, finish=0) * 2),
    ]

    @offence("a second stream", LIMIT, MALFORMED)
    async def second(tunnel: HostileTunnel, dice: random.Random) -> None:
        tunnel._quic._remote_max_streams_bidi = 16
        await tunnel.open_stream().write(b"hello?")

    return [*offences, second, *(flaps(addresses) for addresses in (1, 2, 20)), moves_on]


async def another_address() -> asyncio.DatagramTransport:
    """A transport at which nobody listens to what comes."""
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0)
    )
    return transport


def flaps(addresses: int) -> Offence:
    """Speaks from so many other addresses, and from the first again before any of them has answered."""

    @offence(f"other addresses, {addresses}, and back before they answer", SERVES)
    async def commit(tunnel: HostileTunnel, dice: random.Random) -> None:
        probe = frame(Message.PROBE, integer(1, 5))
        home = tunnel._transport
        for _ in range(addresses):
            away = tunnel._transport = await another_address()
            await tunnel.write(probe)
            away.close()
        tunnel._transport = home
        await tunnel.write(probe)

    return commit


@offence("another address, and a third with a new connection ID before it answers", SERVES)
async def moves_on(tunnel: HostileTunnel, dice: random.Random) -> None:
    """Then two connection IDs of its own are in use while the first path is kept in mind."""
    probe = frame(Message.PROBE, integer(1, 5))
    home = tunnel._transport
    for index in range(2):
        tunnel._transport = await another_address()
        if index:
            tunnel._quic.change_connection_id()
        await tunnel.write(probe)
        await asyncio.sleep(0.1)
    tunnel._transport = home


Reply = Callable[[HostileConnector, TunnelStream, random.Random], Awaitable[None]]


def reply_with(data: bytes) -> Reply:
    """Answers a relay with these bytes and leaves it open."""

    async def answer(tunnel: HostileConnector, stream: TunnelStream, dice: random.Random) -> None:
        await stream.write(data)

    return answer


def relay_offences() -> list[tuple[str, Reply, frozenset[str] | None]]:
    """What can be wrong on a relay: a name, what is done, and what the visitor may see of it."""
    reset = frozenset({RESET})
    connected = frame(Status.CONNECTED)
    details = text(1, "why")
    offences: list[tuple[str, Reply, frozenset[str] | None]] = [
        (f"status {status}", reply_with(frame(status, details)), reset) for status in range(1, 10)
    ]
    offences += [
        ("an unknown status", reply_with(frame(0x3F, details)), reset),
        ("the largest status", reply_with(frame(LARGEST_INTEGER, details)), reset),
        ("a refusal without details", reply_with(frame(Status.REFUSED)), reset),
        ("details that are not UTF-8", reply_with(frame(Status.REFUSED, (1, b"\xff"))), reset),
        ("details that are too long", reply_with(frame(Status.REFUSED, (1, b"x" * 513))), reset),
        ("details twice", reply_with(frame(Status.REFUSED, details, details)), reset),
        ("a reply that is too long", reply_with(b"\x01\x80\x00\x10\x01"), reset),
        ("a reply with no end", reply_with(b"\x01\xff\xff\xff\xff\xff\xff\xff\xff"), reset),
        ("a connected reply that is too long", reply_with(b"\x00\x80\x00\x10\x01" + bytes(5000)), reset),
        ("a member beyond the reply", reply_with(b"\x01\x02\x01\x40"), reset),
        ("data before the reply", reply_with(b"\xff" * 100), reset),
        ("connected with unknown members", reply_with(frame(0, (9, b"x" * 4000)) + WORDS), frozenset({WORDS.decode()})),
        ("connected and bytes at once", reply_with(connected + WORDS), frozenset({WORDS.decode()})),
    ]

    async def byte_by_byte(tunnel: HostileConnector, stream: TunnelStream, dice: random.Random) -> None:
        data = frame(0, (9, b"unknown")) + WORDS
        for index in range(len(data)):
            await stream.write(data[index : index + 1])

    async def resets_first(tunnel: HostileConnector, stream: TunnelStream, dice: random.Random) -> None:
        stream.reset(dice.randint(0, LARGEST_INTEGER))

    async def resets_within(tunnel: HostileConnector, stream: TunnelStream, dice: random.Random) -> None:
        await stream.write(frame(Status.REFUSED, details)[:3])
        stream.reset(Code.TARGET_UNREACHABLE)

    async def ends_first(tunnel: HostileConnector, stream: TunnelStream, dice: random.Random) -> None:
        stream.finish()

    async def ends_within(tunnel: HostileConnector, stream: TunnelStream, dice: random.Random) -> None:
        await stream.write(frame(Status.REFUSED, details)[:3])
        stream.finish()

    async def stops_and_connects(tunnel: HostileConnector, stream: TunnelStream, dice: random.Random) -> None:
        stream.stop(Code.CONNECTION_RESET)
        await stream.write(connected + WORDS)

    async def stops_and_resets(tunnel: HostileConnector, stream: TunnelStream, dice: random.Random) -> None:
        stream.stop(dice.randint(0, LARGEST_INTEGER))
        stream.reset(dice.randint(0, LARGEST_INTEGER))

    async def noise(tunnel: HostileConnector, stream: TunnelStream, dice: random.Random) -> None:
        await stream.write(dice.randbytes(dice.randint(1, 3000)))
        stream.finish()

    words = frozenset({WORDS.decode()})
    return offences + [
        ("a reply byte by byte", byte_by_byte, words),
        ("reset before the reply", resets_first, reset),
        ("reset within the reply", resets_within, reset),
        ("the end before the reply", ends_first, reset),
        ("the end within the reply", ends_within, reset),
        ("stopped before the reply", stops_and_connects, frozenset({WORDS.decode(), RESET})),
        ("stopped and reset", stops_and_resets, reset),
    ] + [("random bytes for a reply", noise, None)] * 10


class Attack:
    """All rounds."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self._judge = Judge(arguments.seed)

    async def run(self) -> None:
        """Plays every round whose name is wanted."""
        await self._play_handshake("no transport parameters", MISSING, prepare=omit_transport_parameters)
        for name, message in TLS_MESSAGES:
            await self._play_handshake(f"TLS' {name} with the Finished", UNEXPECTED, with_finished=message)
        for each in hello_offences():
            await self._play(each, greeted=False)
        for each in control_offences():
            await self._play(each, greeted=True)
        if self._arguments.visitor_port is not None:
            await self._play_relays()
        say("DONE", self._judge.rounds)

    async def _play(self, each: Offence, *, greeted: bool) -> None:
        if self._arguments.only not in each.name:
            return
        dice = self._judge.dice()
        tunnel = await self._dial()
        if greeted:
            await tunnel.greet()
        await play(tunnel, each, self._judge, dice)

    async def _play_handshake(self, name: str, outcome: str, **how: Any) -> None:
        """A handshake that the listener must end; `how` is `_start`'s."""
        if self._arguments.only not in name:
            return
        self._judge.dice()
        tunnel = await self._start(**how)
        self._judge.note(name, await tunnel.end_seen(), frozenset({outcome}))

    async def _play_relays(self) -> None:
        offences = [each for each in relay_offences() if self._arguments.only in each[0]]
        if not offences:
            return
        # One session for all of them: what a relay does wrong is no matter of the session.
        tunnel = await self._dial()
        await tunnel.greet()
        for name, answer, allowed in offences:
            dice = self._judge.dice()
            reader, writer = await asyncio.open_connection("127.0.0.1", self._arguments.visitor_port)
            writer.write(WORDS)
            stream = await asyncio.wait_for(tunnel.relays.get(), DIAL_SECONDS)
            header = await asyncio.wait_for(read_frame(stream.received), DIAL_SECONDS)
            if header.kind != 1 or not header.text(2, least=1, most=253) or not header.integer(3):
                say("PROBLEM", f"the header was {header}")
            await answer(tunnel, stream, dice)
            self._judge.note(name, await self._seen(reader), allowed)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            tunnel.forget(stream)
            self._judge.note(f"{name}, the session", await tunnel.outcome(dice.getrandbits(60)), frozenset({SERVES}))
        tunnel.close(Code.SHUTTING_DOWN, "next")

    @staticmethod
    async def _seen(reader: asyncio.StreamReader) -> str:
        try:
            data = await asyncio.wait_for(reader.read(len(WORDS)), DIAL_SECONDS)
            while data and len(data) < len(WORDS):
                more = await asyncio.wait_for(reader.read(len(WORDS) - len(data)), DIAL_SECONDS)
                if not more:
                    break
                data += more
            return data.decode(errors="replace") if data else ENDED
        except ConnectionResetError:
            return RESET
        except TimeoutError:
            return SILENT

    async def _dial(self) -> HostileConnector:
        tunnel = await self._start()
        async with asyncio.timeout(DIAL_SECONDS):
            await tunnel.confirmed
        return tunnel

    async def _start(
        self, *, with_finished: bytes = b"", prepare: Callable[[QuicConnection], None] = lambda quic: None
    ) -> HostileConnector:
        arguments = self._arguments
        quic = QuicConnection(
            configuration=native_configuration(arguments, is_client=True, server_name="localhost", protocols=[ALPN])
        )
        limit_peer_streams(quic, bidirectional=100)
        prepare(quic)
        _, tunnel = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: HostileConnector(quic, with_finished=with_finished), local_addr=("127.0.0.1", 0)
        )
        tunnel.connect((arguments.host, arguments.port))
        return tunnel


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1", help="where the listener is")
    parser.add_argument("--port", required=True, type=int, help="its UDP port")
    parser.add_argument("--visitor-port", type=int, help="the TCP port of a forward to us")
    add_fuzz_arguments(parser)
    add_tunnel_arguments(parser, certificate_required=True)
    asyncio.run(Attack(parser.parse_args()).run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
