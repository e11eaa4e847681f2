"""Plays the original's listener against our connector.

Prints `LISTENING <udp port>`, then for each connector `CONNECTED <client CN>`, `PORT <tcp port>` for its visitors and
`CLOSED code=<n> reason=<text>` at its end. A connector that is refused in the handshake gets only a `CLOSED` line. Runs
until SIGTERM, then exits 0.
"""

import argparse
import asyncio
import sys

from aioquic import tls
from aioquic.buffer import Buffer
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from original_tunnel import (
    StreamHeader,
    TunnelProtocol,
    add_listener_arguments,
    quic_configuration,
    relay,
    say,
    say_closed,
    serve_until_terminated,
)


class AlertCertificateRequired(tls.Alert):
    """The client sent no certificate (RFC 8446 §6.2); aioquic never says so itself."""

    description = tls.AlertDescription.certificate_required


class ClientVerifyingContext(tls.Context):
    """A server's TLS that asks for a client certificate and accepts none but one of the CA's, for client purposes.

    aioquic can send a CertificateRequest, for its own tests, but takes whatever certificate comes back, or none.
    """

    def _server_handle_certificate(self, input_buf: Buffer) -> None:
        super()._server_handle_certificate(input_buf)
        if self._peer_certificate is None:
            raise AlertCertificateRequired("the client sent no certificate")

    def _server_handle_certificate_verify(self, input_buf: Buffer) -> None:
        super()._server_handle_certificate_verify(input_buf)
        assert self._peer_certificate is not None
        tls.verify_certificate(
            certificate=self._peer_certificate,
            chain=self._peer_certificate_chain,
            cafile=self._cafile,
        )
        if not allows_client_authentication(self._peer_certificate):
            raise tls.AlertUnsupportedCertificate("the certificate is not for client authentication")


def allows_client_authentication(certificate: x509.Certificate) -> bool:
    """Whether the certificate is for TLS clients; one that names no purpose is for all (RFC 5280 §4.2.1.12)."""
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.CLIENT_AUTH in usages


def demand_client_certificate(quic: QuicConnection) -> None:
    """Gives a server's connection a `ClientVerifyingContext`.

    aioquic makes the context itself, at the first datagram, and has no seam to pass another one; so the one it made
    changes its class before it has seen a byte.
    """
    initialize = quic._initialize

    def initialize_then_demand(peer_cid: bytes) -> None:
        initialize(peer_cid)
        quic.tls.__class__ = ClientVerifyingContext
        quic.tls._request_client_certificate = True

    quic._initialize = initialize_then_demand  # type: ignore[method-assign]


class OriginalListener(TunnelProtocol):
    """The listener's end of one connector's connection, with the TCP port for that connector's visitors."""

    def __init__(self, quic: QuicConnection, arguments: argparse.Namespace) -> None:
        demand_client_certificate(quic)
        super().__init__(quic)
        self._arguments = arguments
        # quinn's `stable_id`, an address in memory: a long number that says nothing.
        self._number = id(self)
        self._index = 0
        self._visitors: asyncio.Server | None = None
        self.ended.add_done_callback(self._ended)

    def handshake_confirmed(self) -> None:
        certificate = self._quic.tls._peer_certificate
        assert certificate is not None, "a client without a certificate came through the handshake"
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        say("CONNECTED", names[0].value if names else "")
        if self._arguments.refuse:
            # The original drops a connection that it does not admit; quinn then closes it with code 0 and no reason.
            self.close()
        else:
            self.spawn(self._open_port())

    async def _open_port(self) -> None:
        self._visitors = await asyncio.start_server(self._relay_visitor, "127.0.0.1", 0)
        say("PORT", self._visitors.sockets[0].getsockname()[1])

    async def _relay_visitor(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream = self.open_stream()
        header = StreamHeader(f"{self._number}-{self._index}", self._arguments.target)
        self._index += 1
        try:
            await stream.write(header.encode())
            await relay(stream, reader, writer, half_close=self._arguments.half_close)
        except ConnectionError:
            writer.close()
        finally:
            self.forget(stream)

    def _ended(self, _: asyncio.Future) -> None:
        if self._visitors is not None:
            self._visitors.close()
        say_closed(self.ended.result())


async def run(arguments: argparse.Namespace) -> int:
    """Serves connectors until SIGTERM; returns the exit code."""
    configuration: QuicConfiguration = quic_configuration(arguments, is_client=False, server_name=None)

    def accept(quic: QuicConnection, stream_handler: object) -> OriginalListener:
        return OriginalListener(quic, arguments)

    return await serve_until_terminated(arguments, configuration, accept)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_listener_arguments(parser, target="what visitors are relayed to")
    parser.add_argument("--refuse", action="store_true", help="close each connection after the handshake: not admitted")
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
