"""Apache Kafka 4.4: one broker in KRaft mode, its own controller."""

from __future__ import annotations

import base64
import secrets
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from mqlearn.engines.errors import EngineError
from mqlearn.engines.servers.java_server import QUICK, JavaServer
from mqlearn.engines.servers.process import free_port
from mqlearn.engines.servers.templates import write_settings
from mqlearn.runtime import check


class KafkaServer(JavaServer):
    """A Kafka broker with `heap` MB of memory for its objects.

    `quick=False` runs it as in production: a start takes twice the processor time, and a long
    measurement is faster.
    """

    name = "kafka"

    def __init__(
        self, *, heap: int = 384, quick: bool = True, folder: str | Path | None = None
    ) -> None:
        check.instance("quick", quick, bool)
        super().__init__(heap, 128, folder)
        self.quick = quick
        self.port, self._controller_port = free_port(), free_port()

    @property
    def url(self) -> str:
        return f"kafka://127.0.0.1:{self.port}"

    def _flags(self) -> Sequence[str]:
        logging = write_settings("kafka.log4j2.properties", self.folder, {})
        memory = [f"-Xms{min(128, self.heap)}m", *QUICK] if self.quick else [f"-Xms{self.heap}m"]
        return [*memory, f"-Dlog4j2.configurationFile={logging}"]

    def _main(self) -> Sequence[str]:
        ports = {"port": self.port, "controller_port": self._controller_port}
        settings = write_settings("kafka.properties", self.folder, {**ports, "folder": self.folder})
        if not (self.folder / "data" / "meta.properties").exists():
            self._format(settings)
        return ["kafka.Kafka", str(settings)]

    def _format(self, settings: Path) -> None:
        """Write the empty log of the controller, once for a folder."""
        tool = ["kafka.tools.StorageTool", "format", "--standalone", "-t", _cluster(), "-c"]
        # without the flag that writes an archive: that is for the broker's own run
        java = [flag for flag in self._java() if "ArchiveClassesAtExit" not in flag]
        ended = subprocess.run(
            [*java, *tool, str(settings)],
            capture_output=True,
            text=True,
            timeout=self.ready_within,
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

        # the client would log each refusal to stderr
        admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{self.port}", "log_level": 0})
        try:
            seen = admin.list_topics(timeout=5.0)
        except KafkaException:
            return False
        partitions = [part for topic in seen.topics.values() for part in topic.partitions.values()]
        return bool(seen.brokers) and all(part.leader in seen.brokers for part in partitions)


def _cluster() -> str:
    """Return a random id for a cluster, which must not begin like an option."""
    return "m" + base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")[1:]
