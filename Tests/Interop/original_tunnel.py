"""What the stand-ins for the original's two programs share: the stream header, the QUIC settings, one tunnel stream
and the relay between it and a TCP connection.

The stand-ins speak the original's wire protocol (COMPAT.md, "Wire protocol of the original") on aioquic, a QUIC stack
that nobody in this project wrote, so that our two programs are tested against something other than themselves.

aioquic has no public way to learn how much a stream has yet to send or that a handshake is confirmed, so a few private
attributes are read here, and only here. `requirements.txt` pins the version for that reason.
"""

import argparse
import asyncio
import re
import signal
import socket
import struct
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.asyncio.server import QuicServer
from aioquic.quic import events
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import NetworkAddress, QuicConnection, QuicConnectionState
from aioquic.quic.packet import QuicProtocolVersion
from aioquic.tls import CipherSuite

ALPN = "hq-29"
HEADER_BYTES = 1024
KEEP_ALIVE_SECONDS = 50.0
IDLE_TIMEOUT_SECONDS = 60.0
#: quinn's default for a stream's receive window.
STREAM_WINDOW_BYTES = 1_250_000
#: quinn's default connection window is unlimited; this is as good as that for a test.
CONNECTION_WINDOW_BYTES = 1 << 40
#: A relay stops reading TCP while its stream has more than this unacknowledged.
SEND_HIGH_WATERMARK_BYTES = 4 << 20
READ_BYTES = 64 << 10


def say(*words: object) -> None:
    """Prints one machine-readable line, at once: a test waits for it."""
    print(*words, flush=True)


@dataclass(frozen=True)
class StreamHeader:
    """The 1,024 bytes that open each stream: `{id}|{host}:{port}` in UTF-8, then zeros."""

    relay_id: str
    target: str

    def encode(self) -> bytes:
        """The header's 1,024 bytes."""
        text = f"{self.relay_id}|{self.target}".encode()
        if len(text) > HEADER_BYTES:
            raise ValueError(f"the header's text has {len(text)} bytes, {HEADER_BYTES} fit")
        return text.ljust(HEADER_BYTES, b"\0")

    @classmethod
    def decode(cls, data: bytes) -> "StreamHeader":
        """Reads a header as leniently as the original does: NULs are dropped, wherever they stand, and two parts must
        remain."""
        parts = data.decode().replace("\0", "").split("|")
        if len(parts) != 2:
            raise ValueError(f"{len(parts)} parts, not 2")
        return cls(*parts)

    @staticmethod
    def difference_from_original(data: bytes) -> str | None:
        """How the bytes differ from what an original listener sends, or None: stricter than `decode`."""
        text, _, padding = data.partition(b"\0")
        if padding.strip(b"\0"):
            return "bytes other than zero follow the first zero"
        if not re.fullmatch(rb"\d+-\d+\|.+:\d+", text):
            return "the text is not {number}-{number}|{host}:{port}"
        return None

    @property
    def address(self) -> tuple[str, int]:
        """The target's host, without the brackets of an IPv6 literal, and port."""
        host, _, port = self.target.rpartition(":")
        return host.removeprefix("[").removesuffix("]"), int(port)


class TunnelStream:
    """One bidirectional QUIC stream, as a pair of byte directions that end independently of one another.

    Received bytes queue without a bound of our own: aioquic gives credit back by itself. That is good enough for a test
    peer and would not be for a product.
    """

    def __init__(self, protocol: "TunnelProtocol", stream_id: int) -> None:
        self.id = stream_id
        self.received = asyncio.StreamReader()
        self.on_stop: Callable[[], None] = lambda: None
        self._protocol = protocol
        self._quic = protocol._quic
        self._room = asyncio.Event()
        self._send_ended = False

    async def write(self, data: bytes) -> None:
        """Queues bytes, then waits until the stream has room for more. Raises BrokenPipeError once the peer has stopped
        the stream or the connection is gone."""
        self._send(data, end_stream=False)
        while not self._send_ended and self._unacknowledged_bytes() > SEND_HIGH_WATERMARK_BYTES:
            self._room.clear()
            await self._room.wait()

    def finish(self) -> None:
        """Sends FIN, unless the sending direction has ended already."""
        if not self._send_ended:
            self._send(b"", end_stream=True)
            self._send_ended = True

    def reset(self, code: int) -> None:
        """Sends RESET_STREAM, unless the peer has everything already."""
        self._quic.reset_stream(self.id, code)
        self._send_ended = True
        self._protocol.transmit()

    def stop(self, code: int) -> None:
        """Sends STOP_SENDING, unless the receiving direction has ended already."""
        stream = self._quic._streams.get(self.id)
        if stream is not None and not stream.receiver.is_finished:
            self._quic.stop_stream(self.id, code)
            self._protocol.transmit()

    def stopped_by_peer(self) -> None:
        """The peer sent STOP_SENDING; aioquic has answered it with RESET_STREAM."""
        self._send_ended = True
        self._room.set()
        self.on_stop()

    def connection_lost(self) -> None:
        """The connection has ended, and both directions with it."""
        self._send_ended = True
        self._room.set()
        self.received.set_exception(ConnectionResetError("the QUIC connection ended"))

    def acknowledged(self) -> None:
        """Something was acknowledged: a waiting `write` looks again."""
        self._room.set()

    def _send(self, data: bytes, *, end_stream: bool) -> None:
        if self._send_ended:
            raise BrokenPipeError(f"stream {self.id} is closed for sending")
        self._quic.send_stream_data(self.id, data, end_stream=end_stream)
        self._protocol.transmit()

    def _unacknowledged_bytes(self) -> int:
        stream = self._quic._streams.get(self.id)
        return 0 if stream is None else len(stream.sender._buffer)


class TunnelProtocol(QuicConnectionProtocol):
    """One end of a tunnel connection: hands out streams, keeps the connection alive and notices its end."""

    def __init__(self, quic: QuicConnection, stream_handler: object = None) -> None:
        super().__init__(quic)
        self.ended: asyncio.Future[events.ConnectionTerminated] = self._loop.create_future()
        self.ended_by_peer = False
        self._streams: dict[int, TunnelStream] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._confirmed = False

    def handshake_confirmed(self) -> None:
        """Called once: both ends are through with the handshake, client certificate included. To override."""

    def stream_opened(self, stream: TunnelStream) -> None:
        """Called for each stream that the peer opens. To override."""

    def open_stream(self) -> TunnelStream:
        """Opens the next bidirectional stream."""
        return self._adopt(self._quic.get_next_available_stream_id())

    def forget(self, stream: TunnelStream) -> None:
        """The owner of a stream is through with it."""
        self._streams.pop(stream.id, None)

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Runs a coroutine, at most until the connection ends."""
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def datagram_received(self, data: bytes | str, addr: NetworkAddress) -> None:
        super().datagram_received(data, addr)
        for stream in list(self._streams.values()):
            stream.acknowledged()
        if self._quic._handshake_confirmed and not self._confirmed:
            self._confirmed = True
            self.spawn(self._keep_alive())
            self.handshake_confirmed()
        if self._quic._state is QuicConnectionState.DRAINING and self._quic._close_event is not None:
            # aioquic reports the peer's close when the draining period is over; a test need not wait for that.
            self.ended_by_peer = True
            self._end(self._quic._close_event)

    def quic_event_received(self, event: events.QuicEvent) -> None:
        match event:
            case events.StreamDataReceived():
                if event.stream_id not in self._streams and not self._is_ours(event.stream_id):
                    self.stream_opened(self._adopt(event.stream_id))
                if stream := self._streams.get(event.stream_id):
                    stream.received.feed_data(event.data)
                    if event.end_stream:
                        stream.received.feed_eof()
            case events.StreamReset():
                if stream := self._streams.get(event.stream_id):
                    stream.received.set_exception(ConnectionResetError(f"reset with code {event.error_code}"))
            case events.StopSendingReceived():
                if stream := self._streams.get(event.stream_id):
                    stream.stopped_by_peer()
            case events.ConnectionTerminated():
                self._end(event)

    def _is_ours(self, stream_id: int) -> bool:
        # RFC 9000 §2.1: the lowest bit is 0 for streams that the client opened.
        return (stream_id & 1 == 0) == self._quic.configuration.is_client

    def _adopt(self, stream_id: int) -> TunnelStream:
        stream = self._streams[stream_id] = TunnelStream(self, stream_id)
        return stream

    def _end(self, event: events.ConnectionTerminated) -> None:
        if self.ended.done():
            return
        for stream in list(self._streams.values()):
            stream.connection_lost()
        for task in self._tasks:
            task.cancel()
        self.ended.set_result(event)

    async def _keep_alive(self) -> None:
        with suppress(ConnectionError):
            while True:
                await asyncio.sleep(KEEP_ALIVE_SECONDS)
                await self.ping()


async def relay(
    stream: TunnelStream,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    half_close: bool,
) -> None:
    """Carries bytes both ways until the relay is over.

    As the original does it, the first end of either direction, clean or not, ends both with FIN and STOP_SENDING. With
    `half_close` each direction ends by itself, and an abort on one side is an abort on the other.
    """
    if half_close:
        stream.on_stop = lambda: reader.set_exception(BrokenPipeError("the peer stopped the stream"))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_carry_from_tcp(stream, reader))
                group.create_task(_carry_to_tcp(stream, writer))
        except* (OSError, asyncio.CancelledError):
            stream.reset(0)
            stream.stop(0)
            abort(writer)
    else:
        directions = {
            asyncio.ensure_future(_carry_from_tcp(stream, reader)),
            asyncio.ensure_future(_carry_to_tcp(stream, writer)),
        }
        try:
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for direction in directions:
                direction.cancel()
            await asyncio.gather(*directions, return_exceptions=True)
            stream.finish()
            stream.stop(0)
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def _carry_from_tcp(stream: TunnelStream, reader: asyncio.StreamReader) -> None:
    while data := await reader.read(READ_BYTES):
        await stream.write(data)
    stream.finish()


async def _carry_to_tcp(stream: TunnelStream, writer: asyncio.StreamWriter) -> None:
    while data := await stream.received.read(READ_BYTES):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


def abort(writer: asyncio.StreamWriter) -> None:
    """Ends a TCP connection with RST, whatever is still queued."""
    connection = writer.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def add_tunnel_arguments(parser: argparse.ArgumentParser, *, certificate_required: bool) -> None:
    """The arguments that both programs have."""
    parser.add_argument("--cert", required=certificate_required, help="our certificate, PEM, intermediates after it")
    parser.add_argument("--key", required=certificate_required, help="its private key, PEM")
    parser.add_argument("--ca", required=True, help="the CA that the peer's certificate must chain to, PEM")
    parser.add_argument("--cipher-suite", metavar="NAME", help="speak only this one, such as AES_128_GCM_SHA256")
    parser.add_argument("--half-close", action="store_true", help="relay half-close and reset, unlike the original")


def quic_configuration(arguments: argparse.Namespace, *, is_client: bool, server_name: str | None) -> QuicConfiguration:
    """The original's QUIC settings: version 1 only, its ALPN, its timeouts and quinn's windows."""
    configuration = QuicConfiguration(
        alpn_protocols=[ALPN],
        idle_timeout=IDLE_TIMEOUT_SECONDS,
        is_client=is_client,
        max_data=CONNECTION_WINDOW_BYTES,
        max_stream_data=STREAM_WINDOW_BYTES,
        server_name=server_name,
        supported_versions=[QuicProtocolVersion.VERSION_1],
    )
    if arguments.cipher_suite is not None:
        configuration.cipher_suites = [CipherSuite[arguments.cipher_suite]]
    if arguments.cert is not None:
        configuration.load_cert_chain(arguments.cert, arguments.key)
    configuration.load_verify_locations(cafile=arguments.ca)
    return configuration


def add_listener_arguments(parser: argparse.ArgumentParser, *, target: str) -> None:
    """The arguments that every listener has; `target` says what is to be there."""
    parser.add_argument("--bind", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--port", type=int, default=0, help="the UDP port to listen on, 0 for any")
    parser.add_argument("--target", required=True, metavar="HOST:PORT", help=target)
    add_tunnel_arguments(parser, certificate_required=True)


async def serve_until_terminated(
    arguments: argparse.Namespace,
    configuration: QuicConfiguration,
    accept: Callable[..., QuicConnectionProtocol],
) -> int:
    """Listens for connectors, makes a protocol of each with `accept`, and returns the exit code after SIGTERM."""
    terminated = termination()
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: QuicServer(configuration=configuration, create_protocol=accept),
        local_addr=(arguments.bind, arguments.port),
    )
    say("LISTENING", transport.get_extra_info("sockname")[1])
    await terminated.wait()
    server.close()
    return 0


def termination() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    event = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, event.set)
    return event


def say_closed(event: events.ConnectionTerminated) -> None:
    """Prints the line about a connection's end: one line, whatever the peer's reason holds."""
    reason = " ".join(event.reason_phrase.split())
    say("CLOSED", f"code={event.error_code}", f"reason={reason}")
