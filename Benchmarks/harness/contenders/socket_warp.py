"""socket-warp: the release programs of this repository, with default settings."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from typing import Any

from ..certificates import CLIENT_UID
from ..failures import CannotRun
from ..processes import Daemon
from .tunnel import Contender, Endpoint, Setting, Tunnel


class SocketWarpTunnel(Tunnel):
    """sw-listener on the visitor's side, sw-connector on the connector's, one forward for each target."""

    def __init__(self, setting: Setting, environment: Mapping[str, str], settings: Mapping[str, object]) -> None:
        super().__init__(setting)
        self._folder = setting.workspace.subfolder("socket-warp")
        self._entrances: dict[int, int] = {}
        visitor, certificates = setting.placement.visitor, setting.certificates
        self._api_port = visitor.free_port()
        self._service_port = visitor.free_port()
        self._environment = {
            "SWL_CERT_PATH": str(certificates.certificate("server")),
            "SWL_KEY_PATH": str(certificates.key("server")),
            "SWL_CA_PATH": str(certificates.authority),
            "SWL_ADDRS": visitor.address,
            "SWL_PORT": str(self._service_port),
            "SWL_FORWARD_ADDRS": "127.0.0.1",
            "APIS_ADDRS": "127.0.0.1",
            "APIS_PORT": str(self._api_port),
            "SWL_STATE_PATH": str(self._folder / "state.sqlite"),
            "SWL_DRAIN": "0",  # stopping is not measured
            **environment,
        }
        self._settings = self._folder / "settings.json"
        content = {
            "client_cert_path": str(certificates.certificate("client")),
            "client_key_path": str(certificates.key("client")),
            "ca_cert_path": str(certificates.authority),
            "server_name": visitor.address,
            "service_port": self._service_port,
            "allow_targets": ["*"],
            "drain_timeout": 0,
            **settings,
        }
        self._settings.write_text(json.dumps(content))

    def launch(self, in_order: bool = False) -> None:
        workspace, placement = self.setting.workspace, self.setting.placement
        listener = placement.visitor.command([str(workspace.program("sw-listener"))])
        connector = placement.connector.command(
            [str(workspace.program("sw-connector")), "--settings", str(self._settings)]
        )
        self.visitor_daemon = Daemon(
            "sw-listener", listener, workspace.log("sw-listener"), self._folder, self._environment
        )
        if in_order:
            self.visitor_daemon.wait_until(
                lambda: placement.visitor.takes_datagrams(self._service_port), "its UDP port was open"
            )
        self.connector_daemon = Daemon("sw-connector", connector, workspace.log("sw-connector"), self._folder)

    def wait_until_up(self) -> None:
        assert self.visitor_daemon is not None and self.connector_daemon is not None
        self.visitor_daemon.wait_until(lambda: self.setting.placement.visitor.listens(self._api_port), "its API was up")
        self.connector_daemon.wait_until(self._has_session, "it had a session")
        for target_port in self.setting.target_ports:
            if target_port not in self._entrances:
                order = {"uid": CLIENT_UID, "port": 0, "connect_address": "127.0.0.1", "connect_port": target_port}
                forward = self._ask("POST", "/open", order)
                self._entrances[target_port] = forward["port"]

    def entrance(self, target_port: int) -> Endpoint:
        return Endpoint("127.0.0.1", self._entrances[target_port])

    def _has_session(self) -> bool:
        return any(session["uid"] == CLIENT_UID for session in self._ask("GET", "/v1/sessions"))

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        with self.setting.placement.visitor.entered():
            stream = socket.create_connection(("127.0.0.1", self._api_port), timeout=10)
        connection = http.client.HTTPConnection("127.0.0.1", self._api_port)
        connection.sock = stream
        try:
            headers = {"Content-Type": "application/json", "Accept": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status != 200:
            raise CannotRun(f"{method} {path} was answered with {answer.status}: {text}")
        return json.loads(text)


class SocketWarp(Contender):
    """With default settings, or with some others, as a column of its own."""

    key = "socket-warp"
    title = "socket-warp"

    def __init__(
        self, variant: str = "", environment: Mapping[str, str] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> None:  # fmt: skip
        if variant:
            self.key = f"socket-warp-{variant}"
            self.title = f"socket-warp, {variant}"
        self._environment = environment or {}
        self._settings = settings or {}

    def tunnel(self, setting: Setting) -> Tunnel:
        return SocketWarpTunnel(setting, self._environment, self._settings)
