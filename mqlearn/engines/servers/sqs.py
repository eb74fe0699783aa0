"""ElasticMQ 1.6: the interface of Amazon SQS, on this machine."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from mqlearn.engines.servers.java_server import JavaServer
from mqlearn.engines.servers.process import free_port
from mqlearn.engines.servers.templates import write_settings


class SQSServer(JavaServer):
    """An ElasticMQ server with `heap` MB of memory for its objects.

    It holds its queues in memory: a restart finds none of them.
    """

    name = "sqs"

    def __init__(self, *, heap: int = 256, folder: str | Path | None = None) -> None:
        super().__init__(heap, 64, folder)
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _main(self) -> Sequence[str]:
        return ["org.elasticmq.server.Main"]

    def _flags(self) -> Sequence[str]:
        settings = write_settings("sqs.conf", self.folder, {"port": self.port})
        return [*super()._flags(), f"-Dconfig.file={settings}"]

    def _is_ready(self) -> bool:
        """True if it lists its queues."""
        try:
            with urllib.request.urlopen(f"{self.url}/?Action=ListQueues", timeout=5.0) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False
