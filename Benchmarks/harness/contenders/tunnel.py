"""What every contender is, and the simplest one: no tunnel at all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from ..certificates import Certificates
from ..placement import Placement
from ..processes import Daemon
from ..workspace import Workspace


class Endpoint(NamedTuple):
    """An address and a TCP port, as a client on the visitor's side reaches it."""

    host: str
    port: int


@dataclass(frozen=True)
class Setting:
    """What a tunnel is started for."""

    workspace: Workspace
    certificates: Certificates
    placement: Placement
    target_ports: Sequence[int]  # on 127.0.0.1 of the connector's side


class Tunnel(ABC):
    """One contender's two daemons. Configured once; may be launched and stopped many times, on the same ports."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.visitor_daemon: Daemon | None = None
        self.connector_daemon: Daemon | None = None

    @abstractmethod
    def launch(self, in_order: bool = False) -> None:
        """Starts the daemons; the one that dials is started once the other can be dialled, if `in_order` or if it has
        to be."""

    @abstractmethod
    def wait_until_up(self) -> None:
        """Waits until every entrance leads to its target."""

    @abstractmethod
    def entrance(self, target_port: int) -> Endpoint:
        """Where clients on the visitor's side reach the target."""

    def start(self) -> None:
        self.launch()
        self.wait_until_up()

    def start_again_if_ended(self) -> list[str]:
        """A contender that broke down in one measurement gets another chance in the next.

        Returns what has ended by itself, and its last words.
        """
        ended = [f"{daemon.name}: {daemon.last_words()}" for daemon in self.daemons if not daemon.is_alive]
        if ended:
            self.stop()
            self.start()
        return ended

    def stop(self) -> None:
        for daemon in (self.connector_daemon, self.visitor_daemon):
            if daemon is not None:
                daemon.stop()
        self.connector_daemon = self.visitor_daemon = None

    @property
    def daemons(self) -> list[Daemon]:
        return [daemon for daemon in (self.visitor_daemon, self.connector_daemon) if daemon is not None]

    def cpu_seconds(self) -> float:
        """Of both daemons, so far."""
        return sum(daemon.cpu_seconds() for daemon in self.daemons)


class Contender(ABC):
    """A way to reach a target: a column of the report."""

    key: str
    title: str

    @abstractmethod
    def tunnel(self, setting: Setting) -> Tunnel:
        """A configured tunnel that is not started yet."""

    @contextmanager
    def running(self, setting: Setting) -> Iterator[Tunnel]:
        tunnel = self.tunnel(setting)
        try:
            tunnel.start()
            yield tunnel
        finally:
            tunnel.stop()


class _NoTunnel(Tunnel):
    def launch(self, in_order: bool = False) -> None:
        pass

    def wait_until_up(self) -> None:
        pass

    def entrance(self, target_port: int) -> Endpoint:
        return Endpoint(self.setting.placement.connector.address, target_port)


class Direct(Contender):
    """The client connects to the target itself: what the machine and the path can do at best."""

    key = "none"
    title = "no tunnel"

    def tunnel(self, setting: Setting) -> Tunnel:
        return _NoTunnel(setting)
