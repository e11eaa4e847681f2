"""A pair of stunnels with TLS 1.3, AES-128-GCM and certificates on both ends."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence

from ..failures import CannotRun
from ..processes import Daemon
from .tunnel import Contender, Endpoint, Setting, Tunnel

_GENERAL = """
foreground = yes
pid =
syslog = no
debug = err
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1
"""
_SERVICE = """
[target-{target}]
client = {client}
accept = {accept}
connect = {connect}
cert = {certificate}
key = {key}
CAfile = {authority}
verifyChain = yes
sslVersion = TLSv1.3
ciphersuites = TLS_AES_128_GCM_SHA256
"""


class StunnelTunnel(Tunnel):
    """A TLS client on the visitor's side, a TLS server on the connector's: each visitor has a connection of its own."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        visitor, connector = setting.placement.visitor, setting.placement.connector
        self._folder = setting.workspace.subfolder("stunnel")
        self._entrances = {target: visitor.free_port() for target in setting.target_ports}
        self._services = {target: connector.free_port() for target in setting.target_ports}
        texts = {"client": _GENERAL, "server": _GENERAL}
        for target, entrance in self._entrances.items():
            service = f"{connector.address}:{self._services[target]}"
            ways = {"client": (f"127.0.0.1:{entrance}", service), "server": (service, f"127.0.0.1:{target}")}
            for end, (accept, connect) in ways.items():
                texts[end] += _SERVICE.format(
                    target=target, client="yes" if end == "client" else "no", accept=accept, connect=connect,
                    certificate=setting.certificates.certificate(end), key=setting.certificates.key(end),
                    authority=setting.certificates.authority,
                )  # fmt: skip
        for end, text in texts.items():
            (self._folder / f"{end}.conf").write_text(text)

    def launch(self, in_order: bool = False) -> None:
        placement = self.setting.placement
        self.connector_daemon = self._daemon("server", placement.connector.command)
        if in_order:
            for service in self._services.values():
                self.connector_daemon.wait_until(lambda: placement.connector.listens(service), "it listened")
        self.visitor_daemon = self._daemon("client", placement.visitor.command)

    def _daemon(self, end: str, on_side: Callable[[Sequence[str]], list[str]]) -> Daemon:
        command = on_side(["stunnel", str(self._folder / f"{end}.conf")])
        return Daemon(f"stunnel ({end})", command, self.setting.workspace.log(f"stunnel-{end}"), self._folder)

    def wait_until_up(self) -> None:
        assert self.visitor_daemon is not None and self.connector_daemon is not None
        placement = self.setting.placement
        for target, entrance in self._entrances.items():
            service = self._services[target]
            self.connector_daemon.wait_until(lambda: placement.connector.listens(service), "it listened")
            self.visitor_daemon.wait_until(lambda: placement.visitor.listens(entrance), "it listened")

    def entrance(self, target_port: int) -> Endpoint:
        return Endpoint("127.0.0.1", self._entrances[target_port])


class Stunnel(Contender):
    key = "stunnel"
    title = "stunnel, TLS 1.3"

    def tunnel(self, setting: Setting) -> Tunnel:
        if shutil.which("stunnel") is None:
            raise CannotRun("there is no stunnel: install stunnel4")
        return StunnelTunnel(setting)
