"""What the stand-ins that speak `warp/1` share: frames, the control stream and a relay's bytes.

Written from docs/wire-protocol.md alone, on aioquic, so that our two programs are tested against something other than
themselves. Section names below are that text's.
"""

import argparse
import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum

from aioquic.buffer import Buffer, BufferReadError, encode_uint_var
from aioquic.quic import events
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from original_tunnel import READ_BYTES, TunnelProtocol, TunnelStream, abort, quic_configuration

ALPN = "warp/1"
LARGEST_FRAME_BYTES = 4096
KEEP_ALIVE_SECONDS = 10.0
SOFTWARE = "native peer 1"
#: The capability bit of TCP relays.
TCP_RELAYS = 1
#: The control stream's ID: the first that the connector opens.
CONTROL_STREAM = 0


class Message(IntEnum):
    """The types of frames on the control stream."""

    HELLO = 1
    WELCOME = 2
    REFUSAL = 3
    GOING_AWAY = 4
    PROBE = 5
    PROBE_REPLY = 6


class Status(IntEnum):
    """The types of a relay's reply."""

    CONNECTED = 0
    REFUSED = 1
    UNREACHABLE = 2
    TIMED_OUT = 3
    NAME_NOT_FOUND = 4
    NOT_ALLOWED = 5
    UNSUPPORTED_KIND = 6
    MALFORMED_HEADER = 7
    OVERLOADED = 8
    GOING_AWAY = 9


class Code(IntEnum):
    """Application error codes."""

    NO_ERROR = 0x00
    CONNECTION_RESET = 0x01
    TARGET_UNREACHABLE = 0x02
    MALFORMED_HEADER = 0x05
    UNSUPPORTED_RELAY_KIND = 0x09
    SESSION_ENDED = 0x10
    NOT_ADMITTED = 0x11
    CLIENT_UID_IN_USE = 0x12
    SHUTTING_DOWN = 0x13
    ADMISSION_UNAVAILABLE = 0x14
    MALFORMED_MESSAGE = 0x15


class Malformed(Exception):
    """The peer broke a rule; the text says which."""


# Writing

Member = tuple[int, bytes]


def integer(key: int, value: int) -> Member:
    """A member that is a variable-length integer."""
    return key, encode_uint_var(value)


def text(key: int, value: str) -> Member:
    """A member that is a text."""
    return key, value.encode()


def payload(members: Iterable[Member]) -> bytes:
    """Members, one behind the other."""
    return b"".join(encode_uint_var(key) + encode_uint_var(len(value)) + value for key, value in members)


def frame(kind: int, *members: Member) -> bytes:
    """A whole frame."""
    body = payload(members)
    return encode_uint_var(kind) + encode_uint_var(len(body)) + body


def hello(instance: bytes, *, version: int = 1, capabilities: int = TCP_RELAYS) -> list[Member]:
    """A connector's first message."""
    return [integer(1, version), text(2, SOFTWARE), (3, instance), integer(4, capabilities)]


def welcome(uid: str, session: bytes, *, version: int = 1, dead_after: int = 30_000) -> list[Member]:
    """A listener's answer to a connector that it takes."""
    return [
        integer(1, version),
        text(2, SOFTWARE),
        text(3, uid),
        (4, session),
        integer(5, TCP_RELAYS),
        integer(6, dead_after),
    ]


def going_away(why: str, *, come_back: int, finish: int) -> bytes:
    """The frame with which either end takes its leave; times in milliseconds."""
    return frame(Message.GOING_AWAY, text(1, why), integer(2, come_back), integer(3, finish))


# Reading


@dataclass(frozen=True)
class Frame:
    """A frame that was read: its type and its members in their order."""

    kind: int
    members: list[Member]

    def integer(self, key: int) -> int:
        """A required integer, which fills its value exactly."""
        value = self.bytes(key)
        buffer = Buffer(data=value)
        try:
            number = buffer.pull_uint_var()
        except BufferReadError as error:
            raise Malformed(f"member {key} is no integer") from error
        if not buffer.eof():
            raise Malformed(f"member {key} is longer than its integer")
        return number

    def text(self, key: int, *, most: int, least: int = 0) -> str:
        """A required text of so many bytes."""
        value = self.bytes(key)
        if not least <= len(value) <= most:
            raise Malformed(f"member {key} has {len(value)} bytes, not {least} to {most}")
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise Malformed(f"member {key} is not UTF-8") from error

    def bytes(self, key: int, count: int | None = None) -> bytes:
        """A required value, of `count` bytes if that is given."""
        values = [value for each, value in self.members if each == key]
        if len(values) != 1:
            raise Malformed(f"member {key} is there {len(values)} times in type {self.kind}")
        if count is not None and len(values[0]) != count:
            raise Malformed(f"member {key} has {len(values[0])} bytes, not {count}")
        return values[0]

    def has(self, key: int) -> bool:
        """Whether an optional member is there."""
        return any(each == key for each, _ in self.members)


def parse_members(data: bytes) -> list[Member]:
    """The members that fill a frame."""
    buffer = Buffer(data=data)
    members = []
    try:
        while not buffer.eof():
            key = buffer.pull_uint_var()
            members.append((key, buffer.pull_bytes(buffer.pull_uint_var())))
    except BufferReadError as error:
        raise Malformed("a member does not fit its frame") from error
    return members


async def read_integer(reader: asyncio.StreamReader) -> int:
    """The next variable-length integer (RFC 9000 §16)."""
    first = await reader.readexactly(1)
    rest = await reader.readexactly((1 << (first[0] >> 6)) - 1)
    return Buffer(data=first + rest).pull_uint_var()


async def read_frame(reader: asyncio.StreamReader) -> Frame:
    """The next frame. Raises IncompleteReadError when the stream ends before its end."""
    kind = await read_integer(reader)
    length = await read_integer(reader)
    if length > LARGEST_FRAME_BYTES:
        raise Malformed(f"a frame of {length} bytes")
    return Frame(kind, parse_members(await reader.readexactly(length)))


# The connection


class NativeTunnel(TunnelProtocol):
    """One end of a `warp/1` connection: reads its control stream and answers probes."""

    def __init__(self, quic: QuicConnection) -> None:
        super().__init__(quic)
        self.control: TunnelStream | None = None
        self.alpn: str | None = None
        #: The codes with which the peer reset or stopped a stream.
        self.reset_codes: dict[int, int] = {}
        self.stop_codes: dict[int, int] = {}
        self.answers_probes = True
        self._forgotten: set[int] = set()
        self._replies: dict[int, asyncio.Future[None]] = {}

    def check(self, message: Frame) -> None:
        """Called for each message first: raises Malformed when it may not come now. To override."""

    async def received(self, message: Frame) -> None:
        """Called for each message but probes and their replies. To override."""

    async def send(self, data: bytes) -> None:
        """Sends bytes on the control stream, if that is still possible."""
        if self.control is not None:
            with suppress(BrokenPipeError):
                await self.control.write(data)

    async def probe(self, number: int) -> None:
        """Sends a probe and waits for its reply."""
        waiter = self._replies.setdefault(number, self._loop.create_future())
        await self.send(frame(Message.PROBE, integer(1, number)))
        await waiter

    def forget(self, stream: TunnelStream) -> None:
        super().forget(stream)
        self._forgotten.add(stream.id)

    def quic_event_received(self, event: events.QuicEvent) -> None:
        match event:
            case events.StreamDataReceived() if event.stream_id in self._forgotten:
                return  # what was on its way when its relay ended
            case events.HandshakeCompleted():
                self.alpn = event.alpn_protocol
            case events.StreamReset():
                self.reset_codes[event.stream_id] = event.error_code
            case events.StopSendingReceived():
                self.stop_codes[event.stream_id] = event.error_code
        super().quic_event_received(event)

    async def serve_control(self) -> None:
        """Reads messages until the connection ends; closes it when the peer breaks a rule."""
        assert self.control is not None
        try:
            while True:
                message = await read_frame(self.control.received)
                self.check(message)
                match message.kind:
                    case Message.PROBE:
                        number = message.integer(1)
                        if self.answers_probes:
                            await self.send(frame(Message.PROBE_REPLY, integer(1, number)))
                    case Message.PROBE_REPLY:
                        if (waiter := self._replies.pop(message.integer(1), None)) and not waiter.done():
                            waiter.set_result(None)
                    case _:
                        await self.received(message)
        except Malformed as error:
            self.close(Code.MALFORMED_MESSAGE, str(error))
        except (asyncio.IncompleteReadError, ConnectionError):
            if not self.ended.done():
                self.close(Code.MALFORMED_MESSAGE, "the control stream ended")

    async def _keep_alive(self) -> None:
        with suppress(ConnectionError):
            while True:
                await asyncio.sleep(KEEP_ALIVE_SECONDS)
                await self.ping()


async def relay(stream: TunnelStream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carries bytes both ways; each direction ends by itself, and an abort on one side is an abort on the other ("The
    ends of a relay")."""
    stream.on_stop = lambda: reader.set_exception(BrokenPipeError("the peer stopped the stream"))
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(carry_from_tcp(stream, reader))
            group.create_task(carry_to_tcp(stream, writer))
    except* (OSError, asyncio.CancelledError):
        stream.reset(Code.CONNECTION_RESET)
        stream.stop(Code.CONNECTION_RESET)
        abort(writer)
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def carry_from_tcp(stream: TunnelStream, reader: asyncio.StreamReader) -> None:
    """TCP's bytes and its FIN onto the stream."""
    while data := await reader.read(READ_BYTES):
        await stream.write(data)
    stream.finish()


async def carry_to_tcp(stream: TunnelStream, writer: asyncio.StreamWriter) -> None:
    """The stream's bytes and its end onto TCP."""
    while data := await stream.received.read(READ_BYTES):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


def native_configuration(
    arguments: argparse.Namespace, *, is_client: bool, server_name: str | None, protocols: list[str]
) -> QuicConfiguration:
    """The QUIC settings of the original's stand-ins, for these application protocols."""
    configuration = quic_configuration(arguments, is_client=is_client, server_name=server_name)
    configuration.alpn_protocols = protocols
    return configuration


def limit_peer_streams(quic: QuicConnection, *, bidirectional: int) -> None:
    """Sets how many streams the peer may open at once; none that are unidirectional."""
    for limit, value in ((quic._local_max_streams_bidi, bidirectional), (quic._local_max_streams_uni, 0)):
        limit.value = limit.sent = value
