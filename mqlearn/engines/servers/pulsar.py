"""Apache Pulsar 4.0 standalone: broker, bookie and metadata in one process."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from mqlearn.engines.servers.java_server import JavaServer
from mqlearn.engines.servers.process import free_port
from mqlearn.engines.servers.templates import write_settings

# The parts of Java that Pulsar reaches into.
OPENED = (
    "java.base/java.nio",
    "java.base/jdk.internal.misc",
    "java.base/java.io",
    "java.base/java.util.zip",
    "java.base/sun.net",
    "java.base/jdk.internal.platform",
    "java.base/java.lang",
    "java.management/sun.management",
    "jdk.management/com.sun.management.internal",
)


class PulsarServer(JavaServer):
    """A Pulsar server with `heap` MB of memory for its objects, and as much beside them.

    It starts in about 20 s. Its URL tells the address for administration: `?admin=http://…`.
    """

    name = "pulsar"
    ready_within = 300.0  # seconds; it needs five times as long as the others

    def __init__(self, *, heap: int = 512, folder: str | Path | None = None) -> None:
        super().__init__(heap, 256, folder)
        self.port, self._admin_port = free_port(), free_port()

    @property
    def url(self) -> str:
        return f"pulsar://127.0.0.1:{self.port}?admin={self.admin_url}"

    @property
    def admin_url(self) -> str:
        """The address for administration, by HTTP."""
        return f"http://127.0.0.1:{self._admin_port}"

    def _flags(self) -> Sequence[str]:
        logging = write_settings("pulsar.log4j2.xml", self.folder, {})
        return [
            "-Xms256m",
            f"-XX:MaxDirectMemorySize={self.heap}m",
            "-Dio.netty.tryReflectionSetAccessible=true",
            f"-Dlog4j2.configurationFile={logging}",
            *(f"--add-opens={part}=ALL-UNNAMED" for part in OPENED),
        ]

    def _main(self) -> Sequence[str]:
        values = {"port": self.port, "admin_port": self._admin_port, "loopback": _loopback()}
        settings = write_settings("pulsar.conf", self.folder, values)
        options = ["--config", str(settings), "--no-functions-worker", "--no-stream-storage"]
        options += ["--metadata-dir", str(self.folder / "metadata")]
        options += ["--bookkeeper-dir", str(self.folder / "bookkeeper")]
        options += ["--advertised-address", "127.0.0.1"]
        return ["org.apache.pulsar.PulsarStandaloneStarter", *options]

    def _is_ready(self) -> bool:
        """True if the broker is healthy, which means that it has sent itself a message, and if the
        namespace that clients use by default is there.
        """
        return b"ok" in self._ask("brokers/health") and b"public/default" in self._ask(
            "namespaces/public"
        )

    def _ask(self, what: str) -> bytes:
        """Return the answer of the administration, or nothing if it refuses."""
        try:
            address = f"{self.admin_url}/admin/v2/{what}"
            with urllib.request.urlopen(address, timeout=10.0) as answer:
                return bytes(answer.read())
        except (urllib.error.URLError, OSError):
            return b""


def _loopback() -> str:
    """Return the name of the loopback interface."""
    names = [name for _, name in socket.if_nameindex()]
    return next((name for name in ("lo", "lo0") if name in names), "lo")
