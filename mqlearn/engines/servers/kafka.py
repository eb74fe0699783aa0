"""Apache Kafka 4.4: one broker in KRaft mode, its own controller."""

from __future__ import annotations

import base64
import secrets
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from mqlearn.engines.errors import EngineError
from mqlearn.engines.servers.java import archive_flags, java_command
from mqlearn.engines.servers.local_server import LocalServer
from mqlearn.engines.servers.process import READY_WITHIN, free_port
from mqlearn.engines.servers.templates import write_settings
from mqlearn.runtime import check

# Half the processor time of a start: no compiler that optimises for hours, no collector's threads.
QUICK = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
HEAP = 384  # MB


class KafkaServer(LocalServer):
    """A Kafka broker with `heap` MB of memory for its objects.

    `quick=False` starts it as for production: a start takes twice the processor time, and a long
    measurement runs faster.
    """

    name = "kafka"

    def __init__(
        self, *, heap: int = HEAP, quick: bool = True, folder: str | Path | None = None
    ) -> None:
        heap = check.whole("heap", heap, low=128)
        check.instance("quick", quick, bool)
        super().__init__(folder)
        self.heap = heap
        self.quick = quick
        self.port, self._controller_port = free_port(), free_port()

    @property
    def url(self) -> str:
        return f"kafka://127.0.0.1:{self.port}"

    def _prepare(self) -> Sequence[str]:
        values = {
            "port": self.port,
            "controller_port": self._controller_port,
            "folder": self.folder,
        }
        settings = str(write_settings("kafka.properties", self.folder, values))
        logging = write_settings("kafka.log4j2.properties", self.folder, {})
        memory = [f"-Xms{min(128, self.heap)}m" if self.quick else f"-Xms{self.heap}m"]
        memory += [f"-Xmx{self.heap}m", *(QUICK if self.quick else ())]
        java = java_command(
            "kafka", *memory, *archive_flags("kafka"), f"-Dlog4j2.configurationFile={logging}"
        )
        if not (self.folder / "data" / "meta.properties").exists():
            self._format(java, settings)
        return [*java, "kafka.Kafka", settings]

    def _format(self, java: list[str], settings: str) -> None:
        """Write the empty log of the controller, once for a folder."""
        tool = ["kafka.tools.StorageTool", "format", "--standalone", "-t", _cluster(), "-c"]
        ended = subprocess.run(
            [*java, *tool, settings],
            capture_output=True,
            text=True,
            timeout=READY_WITHIN,
            check=False,
        )
        if ended.returncode != 0:
            raise EngineError(f"kafka cannot format {self.folder}: {ended.stdout}{ended.stderr}")

    def _is_ready(self) -> bool:
        """True if the broker is registered and every partition has its leader."""
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1.0).close()
        except OSError:
            return False
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient

        # a client logs each refusal to stderr unless told not to
        admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{self.port}", "log_level": 0})
        try:
            seen = admin.list_topics(timeout=5.0)
        except KafkaException:
            return False
        leaders = [
            part.leader for topic in seen.topics.values() for part in topic.partitions.values()
        ]
        return bool(seen.brokers) and all(leader in seen.brokers for leader in leaders)


def _cluster() -> str:
    """Return a random id for a cluster, which must not look like an option."""
    return "m" + base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")[1:]
