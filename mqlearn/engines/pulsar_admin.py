"""The administration of a Pulsar server by HTTP: counts, properties, skipping, deleting."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import parse_qs, urlsplit

from mqlearn.engines.errors import EngineError
from mqlearn.runtime import check

WAIT = 20.0  # seconds for an answer


class Unreachable(ConnectionError):
    """Raised if the server does not answer, or is not ready."""


class PulsarAdmin:
    """The interface for administration of the server at `url`.

    Its address is `?admin=http://host:port` in the URL, or else MQLEARN_PULSAR_ADMIN_URL, or else
    port 8080 of the same host.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("pulsar", "pulsar+ssl") or not parts.hostname:
            raise ValueError(
                "url must be pulsar://host:port?admin=http://host:port, got "
                f"{check.short_repr(url)}"
            )
        self.host, self.port = parts.hostname, parts.port or 6650
        self.service = f"{parts.scheme}://{self.host}:{self.port}"
        given = parse_qs(parts.query).get("admin")
        default = os.environ.get("MQLEARN_PULSAR_ADMIN_URL", f"http://{self.host}:8080")
        self.url = (given[0] if given else default).rstrip("/")

    def __call__(self, method: str, topic: str, path: str, body: Any = None) -> Any:
        """Return the answer to a request about a topic, from JSON; None if it is empty."""
        address = f"{self.url}/admin/v2/persistent/public/default/{topic}{path}"
        request = urllib.request.Request(
            address,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=WAIT) as answer:
                said = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                said = error.read()[: check.LONGEST].decode(errors="replace")
            # 404: the server has started, and has not loaded the topic yet
            kind = Unreachable if error.code == 404 or error.code >= 500 else EngineError
            raise kind(f"pulsar refuses {method} {address}: {error.code} {said}") from error
        except (OSError, ValueError) as error:
            raise Unreachable(f"pulsar does not answer at {address}: {error}") from error
        return json.loads(said) if said else None

    def backlog(self, topic: str, subscription: str) -> tuple[int, dict[str, int]]:
        """Return how many messages of a topic the subscription has not acked, and how many of them
        each consumer holds, by its name.
        """
        stats = self("GET", topic, "/stats?getPreciseBacklog=true&subscriptionBacklogSize=false")
        found = stats["subscriptions"][subscription]
        held = {each["consumerName"]: int(each["unackedMessages"]) for each in found["consumers"]}
        return int(found["msgBacklog"]), held

    def permits(self, topic: str, subscription: str, consumer: str) -> int:
        """Return how many messages the server may send to a consumer without being asked again."""
        stats = self("GET", topic, "/stats")
        for each in stats["subscriptions"][subscription]["consumers"]:
            if each["consumerName"] == consumer:
                return int(each["availablePermits"])
        return 0
