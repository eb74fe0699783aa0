"""Apache Pulsar 4.0 standalone: broker, bookie and metadata in one process."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from mqlearn.engines.servers.java import java_command
from mqlearn.engines.servers.local_server import LocalServer
from mqlearn.engines.servers.process import free_port
from mqlearn.engines.servers.templates import write_settings
from mqlearn.runtime import check

HEAP = 512  # MB
# The parts of Java that Pulsar reaches into.
OPENED = [
    *(
        f"java.base/{part}"
        for part in ("java.nio", "jdk.internal.misc", "java.io", "java.util.zip")
    ),
    *(f"java.base/{part}" for part in ("sun.net", "jdk.internal.platform", "java.lang")),
    "java.management/sun.management",
    "jdk.management/com.sun.management.internal",
]


class PulsarServer(LocalServer):
    """A Pulsar server with `heap` MB of memory for its objects, and as much beside them.

    It starts in about 20 s. Its URL tells the port for administration: `?admin=http://…`.
    """

    name = "pulsar"

    def __init__(self, *, heap: int = HEAP, folder: str | Path | None = None) -> None:
        heap = check.whole("heap", heap, low=256)
        super().__init__(folder)
        self.heap = heap
        self.port, self._admin_port = free_port(), free_port()

    @property
    def url(self) -> str:
        return f"pulsar://127.0.0.1:{self.port}?admin={self.admin_url}"

    @property
    def admin_url(self) -> str:
        """The address for administration, by HTTP."""
        return f"http://127.0.0.1:{self._admin_port}"

    def _prepare(self) -> Sequence[str]:
        values = {"port": self.port, "admin_port": self._admin_port, "loopback": _loopback()}
        settings = write_settings("pulsar.conf", self.folder, values)
        logging = write_settings("pulsar.log4j2.xml", self.folder, {})
        memory = ["-Xms256m", f"-Xmx{self.heap}m", f"-XX:MaxDirectMemorySize={self.heap}m"]
        opened = [word for part in OPENED for word in ("--add-opens", f"{part}=ALL-UNNAMED")]
        java = java_command(
            "pulsar",
            *memory,
            "-Dio.netty.tryReflectionSetAccessible=true",
            *opened,
            f"-Dlog4j2.configurationFile={logging}",
        )
        options = ["--config", str(settings), "--no-functions-worker", "--no-stream-storage"]
        options += ["--metadata-dir", str(self.folder / "metadata")]
        options += ["--bookkeeper-dir", str(self.folder / "bookkeeper")]
        options += ["--advertised-address", "127.0.0.1"]
        return [*java, "org.apache.pulsar.PulsarStandaloneStarter", *options]

    def _is_ready(self) -> bool:
        """True if the broker says that it is healthy: it has then sent itself a message."""
        try:
            address = f"{self.admin_url}/admin/v2/brokers/health"
            with urllib.request.urlopen(address, timeout=10.0) as answer:
                return bool(answer.read().strip() == b"ok")
        except (urllib.error.URLError, OSError):
            return False


def _loopback() -> str:
    """Return the name of the loopback interface."""
    names = [name for _, name in socket.if_nameindex()]
    return next((name for name in ("lo", "lo0") if name in names), "lo")
