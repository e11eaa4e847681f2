"""Plays a connector that speaks `warp/1` against our listener.

Prints, each on a line of its own:

* `WELCOME uid=<…> version=<n> session=<hex> capabilities=<n> dead_after=<ms> software=<…>`, once admitted
* `REFUSED reason=<n> since=<ms or -> <text>`, if not; it closes the connection then
* `STREAM <id> relay=<n> kind=<n> <host>:<port>` for each relay, and `EARLY <id> <n>` for the bytes of its visitor that
  were there before the dial, with `--dial-after`
* `ANSWERED <n>` for its own probes: one at the start, one for each SIGUSR1; with `--update-keys` each is followed by new
  keys, and then by `KEY PHASE <0 or 1>`
* `LEAVING come_back=<ms> finish=<ms> <why>` when the listener goes away
* `PROBLEM <what>` when the listener breaks a rule
* `CLOSED code=<n> reason=<text>` when the connection ends

On SIGUSR2 it goes away: takes no new relays, lets the others finish and then closes. On SIGTERM it closes at once.

Exit codes: 0 on SIGTERM and after SIGUSR2; 3 when the listener closed the connection; 4 when it ended any other way.
"""

import argparse
import asyncio
import secrets
import signal
import socket
import sys
from contextlib import suppress

from aioquic.quic import events
from aioquic.quic.connection import QuicConnection
from aioquic.tls import Epoch
from native_tunnel import (
    ALPN,
    CONTROL_STREAM,
    Code,
    Frame,
    Malformed,
    Message,
    NativeTunnel,
    Status,
    frame,
    going_away,
    hello,
    integer,
    limit_peer_streams,
    native_configuration,
    read_frame,
    relay,
    text,
)
from original_tunnel import ALPN as ORIGINAL_ALPN
from original_tunnel import TunnelStream, abort, add_tunnel_arguments, say, say_closed, termination

EXIT_CLOSED_BY_PEER = 3
EXIT_LOST = 4
#: The relays' code that stands for a status ("warp/1: relay").
CODE_OF_STATUS: dict[int, int] = {
    Status.REFUSED: 0x02,
    Status.UNREACHABLE: 0x02,
    Status.TIMED_OUT: 0x03,
    Status.NAME_NOT_FOUND: 0x04,
    Status.MALFORMED_HEADER: 0x05,
    Status.NOT_ALLOWED: 0x07,
    Status.OVERLOADED: 0x08,
    Status.UNSUPPORTED_KIND: 0x09,
    Status.GOING_AWAY: 0x13,
}


class NativeConnector(NativeTunnel):
    """The connector's end: says hello, and serves relays once it is welcome."""

    def __init__(self, quic: QuicConnection, arguments: argparse.Namespace) -> None:
        super().__init__(quic)
        self._arguments = arguments
        self._is_welcome = False
        self._is_leaving = False
        self._relays = 0
        self._probes = 0
        self.answers_probes = not arguments.deaf

    def quic_event_received(self, event: events.QuicEvent) -> None:
        super().quic_event_received(event)
        if isinstance(event, events.HandshakeCompleted):
            if self.alpn != ALPN:
                say("PROBLEM", f"the listener chose {self.alpn}")
            # With the last flight of the handshake.
            self.control = self.open_stream()
            assert self.control.id == CONTROL_STREAM
            self.spawn(self._say_hello())
            self.spawn(self.serve_control())

    async def _say_hello(self) -> None:
        instance = bytes.fromhex(self._arguments.instance)
        await self.send(frame(Message.HELLO, *hello(instance)))

    async def received(self, message: Frame) -> None:
        match message.kind:
            case Message.WELCOME:
                self._read_welcome(message)
                self.spawn(self.ask())
            case Message.REFUSAL:
                since = message.integer(3) if message.has(3) else "-"
                say("REFUSED", f"reason={message.integer(1)}", f"since={since}", message.text(2, most=512))
                self.close(Code.NO_ERROR, "refused")
            case Message.GOING_AWAY:
                why = message.text(1, most=512)
                say("LEAVING", f"come_back={message.integer(2)}", f"finish={message.integer(3)}", why)
            case Message.HELLO:
                raise Malformed("hello from a listener")

    def _read_welcome(self, message: Frame) -> None:
        if self._is_welcome:
            raise Malformed("welcome twice")
        self._is_welcome = True
        if message.integer(1) != 1:
            raise Malformed(f"version {message.integer(1)} where 1 was offered")
        say(
            "WELCOME",
            f"uid={message.text(3, least=1, most=255)}",
            f"version={message.integer(1)}",
            f"session={message.bytes(4, 16).hex()}",
            f"capabilities={message.integer(5)}",
            f"dead_after={message.integer(6)}",
            f"software={message.text(2, most=64)}",
        )

    async def ask(self) -> None:
        """Probes the listener."""
        self._probes += 1
        number = self._probes
        await self.probe(number)
        say("ANSWERED", number)
        if self._arguments.update_keys:
            await self._update_keys()

    async def _update_keys(self) -> None:
        # RFC 9001 §6.1: not before.
        while not self._quic._handshake_confirmed:
            await asyncio.sleep(0.01)
        self._quic.request_key_update()
        say("KEY PHASE", self._quic._cryptos[Epoch.ONE_RTT].key_phase)

    async def leave(self) -> None:
        """Goes away."""
        self._is_leaving = True
        await self.send(going_away("the test wants it", come_back=0, finish=30_000))
        say("LEFT")
        # aioquic's close drops what is not delivered yet.
        while self._relays or self._is_delivering():
            await asyncio.sleep(0.01)
        self.close(Code.SHUTTING_DOWN, "gone")

    def _is_delivering(self) -> bool:
        """Whether the listener has not acknowledged all of its streams to their ends."""
        streams = self._quic._streams
        return any(number % 4 == 1 and not stream.sender.is_finished for number, stream in streams.items())

    def stream_opened(self, stream: TunnelStream) -> None:
        if not self._is_welcome and self.control is None:
            say("PROBLEM", f"stream {stream.id} before hello")
        self.spawn(self._serve(stream))

    async def _serve(self, stream: TunnelStream) -> None:
        self._relays += 1
        try:
            header = await read_frame(stream.received)
            host, port = header.text(2, least=1, most=253), header.integer(3)
            say("STREAM", stream.id, f"relay={header.integer(1)}", f"kind={header.kind}", f"{host}:{port}")
            if header.kind != 1 or not 1 <= port <= 65_535:
                say("PROBLEM", f"kind {header.kind}, port {port}")
            if self._is_leaving:
                await self._decline(stream, Status.GOING_AWAY, "leaving")
                return
            if self._arguments.reply is not None:
                await self._decline(stream, self._arguments.reply, "as the test wants it")
                return
            early = await stream.received.readexactly(self._arguments.dial_after)
            if early:
                say("EARLY", stream.id, len(early))
            try:
                reader, writer = await asyncio.open_connection(host, port)
            except OSError as error:
                await self._decline(stream, Status.REFUSED, str(error))
                return
            writer.write(early)
            try:
                await stream.write(frame(Status.CONNECTED))
            except BrokenPipeError:
                # The visitor reset its connection during the dial.
                abort(writer)
                raise
            await relay(stream, reader, writer)
        except Malformed as error:
            say("PROBLEM", f"stream {stream.id}: {error}")
            await self._decline(stream, Status.MALFORMED_HEADER, str(error))
        except (asyncio.IncompleteReadError, ConnectionError):
            stream.reset(Code.CONNECTION_RESET)
        finally:
            self._relays -= 1
            self.forget(stream)

    async def _decline(self, stream: TunnelStream, status: int, details: str) -> None:
        with suppress(BrokenPipeError):
            await stream.write(frame(status, text(1, details)))
            stream.finish()
        stream.stop(CODE_OF_STATUS.get(status, Code.TARGET_UNREACHABLE))


async def run(arguments: argparse.Namespace) -> int:
    """Dials the listener and serves it until something ends; returns the exit code."""
    terminated = termination()
    loop = asyncio.get_running_loop()
    protocols = [ALPN, ORIGINAL_ALPN] if arguments.offer_both else [ALPN]
    quic = QuicConnection(
        configuration=native_configuration(
            arguments, is_client=True, server_name=arguments.server_name, protocols=protocols
        )
    )
    limit_peer_streams(quic, bidirectional=arguments.max_streams)

    infos = await loop.getaddrinfo(arguments.host, arguments.port, type=socket.SOCK_DGRAM)
    family, _, _, _, address = infos[0]
    _, connector = await loop.create_datagram_endpoint(
        lambda: NativeConnector(quic, arguments),
        local_addr=("::" if family == socket.AF_INET6 else "0.0.0.0", 0),
        family=family,
    )
    connector.connect(address)
    loop.add_signal_handler(signal.SIGUSR1, lambda: connector.spawn(connector.ask()))
    left: list[None] = []

    def leave() -> None:
        left.append(None)
        connector.spawn(connector.leave())

    loop.add_signal_handler(signal.SIGUSR2, leave)
    stop = asyncio.ensure_future(terminated.wait())
    connector.ended.add_done_callback(lambda _: stop.cancel())
    with suppress(asyncio.CancelledError):
        await stop
    if connector.ended.done():
        say_closed(connector.ended.result())
        if left and not connector.ended_by_peer:
            return 0
        return EXIT_CLOSED_BY_PEER if connector.ended_by_peer else EXIT_LOST
    connector.close(Code.SHUTTING_DOWN, "terminated")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", required=True, help="where the listener is")
    parser.add_argument("--port", required=True, type=int, help="its UDP port")
    parser.add_argument("--server-name", required=True, help="the name sent and verified")
    parser.add_argument("--max-streams", type=int, default=1000, help="streams granted at once")
    parser.add_argument("--instance", default=secrets.token_hex(16), help="16 bytes in hexadecimal; random by default")
    parser.add_argument("--offer-both", action="store_true", help="offer the original's protocol as well")
    parser.add_argument("--dial-after", type=int, default=0, help="dial when so many bytes of the visitor have come")
    parser.add_argument("--reply", type=lambda text: int(text, 0), help="answer each relay with this status")
    parser.add_argument("--update-keys", action="store_true", help="update the keys after each probe")
    parser.add_argument("--deaf", action="store_true", help="leave probes unanswered")
    add_tunnel_arguments(parser, certificate_required=True)
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
