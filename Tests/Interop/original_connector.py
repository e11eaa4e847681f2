"""Plays the original's connector against our listener.

Prints `READY` when the handshake is confirmed, `STREAM <id> <header text>` for each stream, `PROBLEM <id> <what>` when
a header is not byte for byte what an original listener sends, and `CLOSED code=<n> reason=<text>` when the connection
ends. Without `--cert` and `--key` it shows no certificate, which a listener must refuse.

Exit codes: 0 on SIGTERM; 3 when the listener closed the connection; 4 when it ended any other way (our own refusal of
the listener's certificate, silence until the idle timeout).
"""

import argparse
import asyncio
import socket
import sys
from contextlib import suppress

from aioquic.quic.connection import QuicConnection
from original_tunnel import (
    HEADER_BYTES,
    StreamHeader,
    TunnelProtocol,
    TunnelStream,
    add_tunnel_arguments,
    quic_configuration,
    relay,
    say,
    say_closed,
    termination,
)

EXIT_CLOSED_BY_PEER = 3
EXIT_LOST = 4


class OriginalConnector(TunnelProtocol):
    """The connector's end: serves each stream that the listener opens by dialling the target that its header names."""

    def __init__(self, quic: QuicConnection, *, half_close: bool) -> None:
        super().__init__(quic)
        self._half_close = half_close

    def handshake_confirmed(self) -> None:
        say("READY")

    def stream_opened(self, stream: TunnelStream) -> None:
        self.spawn(self._serve(stream))

    async def _serve(self, stream: TunnelStream) -> None:
        try:
            reader, writer = await self._dial(stream)
        except (OSError, ValueError, asyncio.IncompleteReadError):
            # No reply in the original's protocol: a failed dial just ends the stream.
            stream.finish()
            stream.stop(0)
        else:
            await relay(stream, reader, writer, half_close=self._half_close)
        finally:
            self.forget(stream)

    async def _dial(self, stream: TunnelStream) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        data = await stream.received.readexactly(HEADER_BYTES)
        say("STREAM", stream.id, data.decode(errors="replace").replace("\0", ""))
        if difference := StreamHeader.difference_from_original(data):
            say("PROBLEM", stream.id, difference)
        return await asyncio.open_connection(*StreamHeader.decode(data).address)


def limit_streams(quic: QuicConnection, count: int) -> None:
    """Sets how many bidirectional streams the listener may have open at once: 128 in aioquic, 100 in quinn."""
    limit = quic._local_max_streams_bidi
    limit.value = limit.sent = count


async def run(arguments: argparse.Namespace) -> int:
    """Dials the listener and serves it until something ends; returns the exit code."""
    terminated = termination()
    loop = asyncio.get_running_loop()
    quic = QuicConnection(
        configuration=quic_configuration(arguments, is_client=True, server_name=arguments.server_name)
    )
    limit_streams(quic, arguments.max_streams)

    infos = await loop.getaddrinfo(arguments.host, arguments.port, type=socket.SOCK_DGRAM)
    family, _, _, _, address = infos[0]
    _, connector = await loop.create_datagram_endpoint(
        lambda: OriginalConnector(quic, half_close=arguments.half_close),
        local_addr=("::" if family == socket.AF_INET6 else "0.0.0.0", 0),
        family=family,
    )
    connector.connect(address)

    stop = asyncio.ensure_future(terminated.wait())
    connector.ended.add_done_callback(lambda _: stop.cancel())
    with suppress(asyncio.CancelledError):
        await stop
    if connector.ended.done():
        say_closed(connector.ended.result())
        return EXIT_CLOSED_BY_PEER if connector.ended_by_peer else EXIT_LOST
    connector.close()
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", required=True, help="where the listener is")
    parser.add_argument("--port", required=True, type=int, help="its UDP port")
    parser.add_argument("--server-name", required=True, help="the name sent and verified")
    parser.add_argument("--max-streams", type=int, default=100, help="streams granted at once (quinn's default: 100)")
    add_tunnel_arguments(parser, certificate_required=False)
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
