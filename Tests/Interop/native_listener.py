"""Plays a listener that speaks `warp/1` against our connector.

Prints `LISTENING <udp port>`, then for each connector, each on a line of its own:

* `HELLO version=<n> instance=<hex> capabilities=<n> software=<…>`
* `CONNECTED <client CN>` when it is welcome, and `PORT <tcp port>` for its visitors
* `REPLY <stream> <status> <details>` for each relay
* `ANSWERED <n>` for the listener's own probes: one at the start, one for each SIGUSR1
* `LEAVING come_back=<ms> finish=<ms> <why>` when the connector goes away
* `STOPPED <stream> <code>` when a relay that was declined has ended with STOP_SENDING
* `PROBLEM <what>` when the connector breaks a rule
* `CLOSED code=<n> reason=<text>` at its end

On SIGUSR2 it goes away, but stays for connectors that come back. Runs until SIGTERM, then exits 0.
"""

import argparse
import asyncio
import secrets
import signal
import sys
import time

from aioquic.quic.connection import QuicConnection
from cryptography.x509.oid import NameOID
from native_tunnel import (
    ALPN,
    CONTROL_STREAM,
    Code,
    Frame,
    Malformed,
    Message,
    NativeTunnel,
    Status,
    carry_from_tcp,
    carry_to_tcp,
    frame,
    going_away,
    integer,
    limit_peer_streams,
    native_configuration,
    read_frame,
    text,
    welcome,
)
from original_listener import demand_client_certificate
from original_tunnel import (
    READ_BYTES,
    TunnelStream,
    abort,
    add_listener_arguments,
    say,
    say_closed,
    serve_until_terminated,
)

#: How long a refused connector has to close the connection by itself.
REFUSAL_SECONDS = 1.0


class NativeListener(NativeTunnel):
    """The listener's end of one connector's connection, with the TCP port for that connector's visitors."""

    def __init__(self, quic: QuicConnection, arguments: argparse.Namespace) -> None:
        demand_client_certificate(quic)
        limit_peer_streams(quic, bidirectional=1)
        super().__init__(quic)
        self._arguments = arguments
        self._visitors: asyncio.Server | None = None
        self._has_hello = False
        self._relays = 0
        self._open_relays = 0
        self._probes = 0
        self.ended.add_done_callback(self._ended)

    @property
    def uid(self) -> str:
        """The common name of the connector's certificate."""
        certificate = self._quic.tls._peer_certificate
        assert certificate is not None, "a client without a certificate came through the handshake"
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(names[0].value) if names else ""

    def stream_opened(self, stream: TunnelStream) -> None:
        if stream.id != CONTROL_STREAM:
            say("PROBLEM", f"the connector opened stream {stream.id}")
            return
        self.control = stream
        self.spawn(self.serve_control())

    def check(self, message: Frame) -> None:
        if not self._has_hello and message.kind != Message.HELLO:
            raise Malformed(f"type {message.kind} before hello")

    async def received(self, message: Frame) -> None:
        match message.kind:
            case Message.HELLO:
                if self._has_hello:
                    raise Malformed("hello twice")
                self._has_hello = True
                say(
                    "HELLO",
                    f"version={message.integer(1)}",
                    f"instance={message.bytes(3, 16).hex()}",
                    f"capabilities={message.integer(4)}",
                    f"software={message.text(2, most=64)}",
                )
                await self._answer_hello()
            case Message.GOING_AWAY:
                why = message.text(1, most=512)
                say("LEAVING", f"come_back={message.integer(2)}", f"finish={message.integer(3)}", why)
                if self._visitors is not None:
                    self._visitors.close()
            case Message.WELCOME | Message.REFUSAL:
                raise Malformed("a message of listeners")

    async def _answer_hello(self) -> None:
        if self._arguments.refuse is not None:
            members = [integer(1, self._arguments.refuse), text(2, self._arguments.refusal_text)]
            if self._arguments.in_use:
                members.append(integer(3, int(time.time() * 1000) - 5000))
            await self.send(frame(Message.REFUSAL, *members))
            await asyncio.sleep(REFUSAL_SECONDS)
            self.close(Code.NOT_ADMITTED, "refused")
            return
        session = secrets.token_bytes(16)
        await self.send(frame(Message.WELCOME, *welcome(self.uid, session, dead_after=self._arguments.dead_after)))
        say("CONNECTED", self.uid)
        self._visitors = await asyncio.start_server(self._relay_visitor, "127.0.0.1", 0)
        say("PORT", self._visitors.sockets[0].getsockname()[1])
        self.spawn(self.ask())

    async def ask(self) -> None:
        """Probes the connector."""
        self._probes += 1
        number = self._probes
        await self.probe(number)
        say("ANSWERED", number)

    async def leave(self) -> None:
        """Goes away: opens no new relays, lets the others finish."""
        if self._visitors is not None:
            self._visitors.close()
        await self.send(going_away("maintenance", come_back=self._arguments.come_back, finish=10_000))
        while self._open_relays:
            await asyncio.sleep(0.01)
        self.close(Code.SHUTTING_DOWN, "gone")

    async def _relay_visitor(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._relays += 1
        self._open_relays += 1
        stream = self.open_stream()
        host, _, port = self._arguments.target.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        header = frame(self._arguments.kind, integer(1, self._relays), text(2, host), integer(3, int(port)))
        try:
            # The visitor's bytes go at once, whatever the dial is doing.
            stream.on_stop = lambda: reader.set_exception(BrokenPipeError("the connector stopped the stream"))
            await stream.write(header)
            async with asyncio.TaskGroup() as group:
                group.create_task(carry_from_tcp(stream, reader))
                group.create_task(self._carry_from_stream(stream, writer))
        except* Malformed as errors:
            say("PROBLEM", f"stream {stream.id}: {errors.exceptions}")
            abort(writer)
        except* (OSError, asyncio.IncompleteReadError):
            stream.reset(Code.CONNECTION_RESET)
            stream.stop(Code.CONNECTION_RESET)
            abort(writer)
        finally:
            self._open_relays -= 1
            self.forget(stream)
            writer.close()

    async def _carry_from_stream(self, stream: TunnelStream, writer: asyncio.StreamWriter) -> None:
        reply = await read_frame(stream.received)
        details = reply.text(1, most=512) if reply.kind != Status.CONNECTED else ""
        say("REPLY", stream.id, reply.kind, details)
        if reply.kind != Status.CONNECTED:
            await self._expect_the_end(stream)
            raise ConnectionRefusedError(details)
        await carry_to_tcp(stream, writer)

    async def _expect_the_end(self, stream: TunnelStream) -> None:
        """A declined relay ends with FIN and STOP_SENDING."""
        if rest := await stream.received.read(READ_BYTES):
            say("PROBLEM", f"stream {stream.id}: {len(rest)} bytes behind a refusal")
        for _ in range(200):
            if stream.id in self.stop_codes:
                say("STOPPED", stream.id, self.stop_codes[stream.id])
                return
            await asyncio.sleep(0.01)

    def _ended(self, _: asyncio.Future) -> None:
        if self._visitors is not None:
            self._visitors.close()
        say_closed(self.ended.result())


async def run(arguments: argparse.Namespace) -> int:
    """Serves connectors until SIGTERM; returns the exit code."""
    configuration = native_configuration(arguments, is_client=False, server_name=None, protocols=[ALPN])
    connections: list[NativeListener] = []

    def accept(quic: QuicConnection, stream_handler: object) -> NativeListener:
        connections.append(NativeListener(quic, arguments))
        return connections[-1]

    def latest(action: str) -> None:
        if connections and not connections[-1].ended.done():
            connections[-1].spawn(getattr(connections[-1], action)())

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, latest, "ask")
    loop.add_signal_handler(signal.SIGUSR2, latest, "leave")
    return await serve_until_terminated(arguments, configuration, accept)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_listener_arguments(parser, target="what visitors are relayed to")
    parser.add_argument("--kind", type=int, default=1, help="the kind of relays to open")
    parser.add_argument("--refuse", type=int, help="refuse each connector for this reason")
    parser.add_argument("--refusal-text", default="as the test wants it", help="the reason for a person")
    parser.add_argument("--in-use", action="store_true", help="say that the client UID has been in use for 5 s")
    parser.add_argument("--come-back", type=int, default=200, help="told when going away, in milliseconds")
    parser.add_argument("--dead-after", type=int, default=30_000, help="told in welcome, in milliseconds")
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
