"""ElasticMQ 1.6: the interface of Amazon SQS, on this machine."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from mqlearn.engines.servers.java import archive_flags, java_command
from mqlearn.engines.servers.local_server import LocalServer
from mqlearn.engines.servers.process import free_port
from mqlearn.engines.servers.templates import write_settings
from mqlearn.runtime import check

HEAP = 256  # MB
QUICK = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


class SQSServer(LocalServer):
    """An ElasticMQ server with `heap` MB of memory for its objects.

    It holds its queues in memory: a restart finds none of them.
    """

    name = "sqs"

    def __init__(self, *, heap: int = HEAP, folder: str | Path | None = None) -> None:
        heap = check.whole("heap", heap, low=64)
        super().__init__(folder)
        self.heap = heap
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _prepare(self) -> Sequence[str]:
        settings = write_settings("sqs.conf", self.folder, {"port": self.port})
        flags = ["-Xms64m", f"-Xmx{self.heap}m", *QUICK, *archive_flags("sqs")]
        java = java_command("sqs", *flags, f"-Dconfig.file={settings}")
        return [*java, "org.elasticmq.server.Main"]

    def _is_ready(self) -> bool:
        """True if it lists its queues."""
        try:
            with urllib.request.urlopen(f"{self.url}/?Action=ListQueues", timeout=5.0) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False
