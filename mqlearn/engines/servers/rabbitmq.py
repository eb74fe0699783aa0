"""RabbitMQ, as the system's packages bring it."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path

from mqlearn.engines.errors import EngineError
from mqlearn.engines.servers.local_server import LocalServer
from mqlearn.engines.servers.process import free_port
from mqlearn.engines.servers.templates import write_settings

# Debian's own script on PATH starts it as another user in a folder of the system.
DEBIAN = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
# Only loopback; no thread that spins while it waits for work; two schedulers.
ERLANG = "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +S 2:2"


def _program() -> str:
    if DEBIAN.exists():
        return str(DEBIAN)
    if found := shutil.which("rabbitmq-server"):
        return found
    raise EngineError(
        "rabbitmq is not installed here: run `make engines`, or install the package rabbitmq-server"
    )


class RabbitMQServer(LocalServer):
    """A RabbitMQ server, with an epmd (the name server of Erlang) of its own.

    After a restart, a stream (not a classic or quorum queue) may be refused for some moments.
    """

    name = "rabbitmq"

    def __init__(self, *, folder: str | Path | None = None) -> None:
        super().__init__(folder)
        self.port, self._erlang_port, self._epmd_port = free_port(), free_port(), free_port()

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    @classmethod
    def find(cls) -> str:
        return _program()

    def _prepare(self) -> Sequence[str]:
        write_settings("rabbitmq.conf", self.folder, {"port": self.port})
        (self.folder / "plugins").write_text("[].\n", encoding="utf-8")
        return [self.find()]

    def _environment(self) -> dict[str, str]:
        folder = self.folder
        own = {
            "HOME": folder,  # where Erlang keeps the secret of its nodes
            "RABBITMQ_CONF_ENV_FILE": folder / "none",
            "RABBITMQ_CONFIG_FILE": folder / "rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": folder / "plugins",
            "RABBITMQ_FEATURE_FLAGS_FILE": folder / "feature_flags",
            "RABBITMQ_LOG_BASE": folder / "log",
            "RABBITMQ_MNESIA_BASE": folder / "data",
            "RABBITMQ_PID_FILE": folder / "pid",
            # the name stays the same in a folder that is used again on other ports
            "RABBITMQ_NODENAME": "mqlearn@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": self.port,
            "RABBITMQ_DIST_PORT": self._erlang_port,
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ERLANG,
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": self._epmd_port,
        }
        return {**os.environ, **{name: str(value) for name, value in own.items()}}

    def _is_ready(self) -> bool:
        """True if it opens a channel and declares a queue: for a while its port is open, but it
        refuses both.
        """
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1.0) as connection:
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                if not connection.recv(8):
                    return False
        except OSError:
            return False
        import pika
        from pika.exceptions import AMQPError

        try:
            with pika.BlockingConnection(pika.URLParameters(self.url)) as session:
                session.channel().queue_declare("", exclusive=True)
        except (AMQPError, OSError):
            return False
        return True
