"""Throw-away certificates that live as long as the run, made with the openssl program."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from .placement import CONNECTOR_ADDRESS, VISITOR_ADDRESS

CLIENT_UID = "bench"

_EXTENSIONS = """
[ authority ]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[ server ]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1, IP:{visitor}, IP:{connector}
[ client ]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
[ req ]
distinguished_name = name
[ name ]
"""


@dataclass(frozen=True)
class Certificates:
    """A CA, and a certificate for each end: P-256, as in the example."""

    folder: Path

    @property
    def authority(self) -> Path:
        return self.folder / "ca.crt"

    def certificate(self, end: str) -> Path:
        """Of "server" or "client"."""
        return self.folder / f"{end}.crt"

    def key(self, end: str) -> Path:
        return self.folder / f"{end}.key"


def make_certificates(folder: Path) -> Certificates:
    folder.mkdir()
    config = folder / "openssl.cnf"
    config.write_text(_EXTENSIONS.format(visitor=VISITOR_ADDRESS, connector=CONNECTOR_ADDRESS))
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", str(config)]

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", *key, "-days", "2", "-extensions", "authority", "-subj", "/CN=bench CA",
            "-keyout", "ca.key", "-out", "ca.crt")  # fmt: skip
    for end, name in (("server", "localhost"), ("client", CLIENT_UID)):
        openssl("req", "-new", *key, "-subj", f"/CN={name}", "-keyout", f"{end}.key", "-out", f"{end}.csr")
        openssl("x509", "-req", "-in", f"{end}.csr", "-days", "2", "-CA", "ca.crt", "-CAkey", "ca.key",
                "-CAcreateserial", "-extfile", str(config), "-extensions", end, "-out", f"{end}.crt")  # fmt: skip
    return Certificates(folder)
