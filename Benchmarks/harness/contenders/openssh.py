"""`ssh -R` with aes128-gcm@openssh.com, to a throw-away sshd on the visitor's side."""

from __future__ import annotations

import getpass
import os
import subprocess
from pathlib import Path

from ..failures import CannotRun
from ..processes import Daemon
from .tunnel import Contender, Endpoint, Setting, Tunnel

_CIPHER = "aes128-gcm@openssh.com"
_SERVER = """
Port {port}
ListenAddress {address}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
StrictModes no
UsePAM no
UseDNS no
PasswordAuthentication no
KbdInteractiveAuthentication no
PubkeyAuthentication yes
PermitRootLogin prohibit-password
AllowTcpForwarding yes
GatewayPorts no
Compression no
Ciphers {cipher}
PrintMotd no
LogLevel ERROR
"""


class OpenSSHTunnel(Tunnel):
    """sshd on the visitor's side listens on the entrances; the ssh client on the connector's dials the targets."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        visitor = setting.placement.visitor
        self._folder = setting.workspace.subfolder("openssh")
        self._port = visitor.free_port()
        self._entrances = {target: visitor.free_port() for target in setting.target_ports}
        for name in ("host_key", "user_key"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self._folder / name)], check=True
            )
        host_key = (self._folder / "host_key.pub").read_text()
        (self._folder / "known_hosts").write_text(f"[{visitor.address}]:{self._port} {host_key}")
        (self._folder / "authorized_keys").write_text((self._folder / "user_key.pub").read_text())
        (self._folder / "sshd_config").write_text(
            _SERVER.format(port=self._port, address=visitor.address, folder=self._folder, cipher=_CIPHER)
        )

    def launch(self, in_order: bool = False) -> None:
        workspace, placement = self.setting.workspace, self.setting.placement
        server = ["/usr/sbin/sshd", "-D", "-e", "-f", str(self._folder / "sshd_config")]
        sshd = Daemon("sshd", placement.visitor.command(server), workspace.log("sshd"), self._folder)
        self.visitor_daemon = sshd
        sshd.wait_until(lambda: placement.visitor.listens(self._port), "it listened")

        client = ["ssh", "-F", "none", "-N", "-T", "-c", _CIPHER, "-p", str(self._port)]
        client += ["-i", str(self._folder / "user_key")]
        options = {
            "UserKnownHostsFile": str(self._folder / "known_hosts"),
            "StrictHostKeyChecking": "yes",
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "BatchMode": "yes",
            "Compression": "no",
            "ExitOnForwardFailure": "yes",
        }
        for name, value in options.items():
            client += ["-o", f"{name}={value}"]
        for target, entrance in self._entrances.items():
            client += ["-R", f"127.0.0.1:{entrance}:127.0.0.1:{target}"]
        client.append(f"{getpass.getuser()}@{placement.visitor.address}")
        self.connector_daemon = Daemon("ssh", placement.connector.command(client), workspace.log("ssh"), self._folder)

    def wait_until_up(self) -> None:
        assert self.connector_daemon is not None
        visitor = self.setting.placement.visitor
        for entrance in self._entrances.values():
            self.connector_daemon.wait_until(lambda: visitor.listens(entrance), "its forwards were up")

    def entrance(self, target_port: int) -> Endpoint:
        return Endpoint("127.0.0.1", self._entrances[target_port])


class OpenSSH(Contender):
    key = "ssh"
    title = "ssh -R, aes128-gcm"

    def tunnel(self, setting: Setting) -> Tunnel:
        if not Path("/usr/sbin/sshd").exists():
            raise CannotRun("there is no /usr/sbin/sshd: install openssh-server")
        # sshd's unprivileged half is confined to this empty folder; Debian makes it when its service starts.
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        return OpenSSHTunnel(setting)
