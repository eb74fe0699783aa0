"""The two queues on a server of SQS that one `SQSQueue` is: made, compared, counted, purged."""

from __future__ import annotations

import json

from mqlearn.engines.adapter import Held
from mqlearn.engines.errors import EngineError
from mqlearn.engines.queue import EngineQueue
from mqlearn.engines.sqs_client import QueueGone, SQSClient, Unreachable
from mqlearn.engines.sqs_dead import DeadLetters
from mqlearn.engines.sqs_requests import LONGEST_LEASE, whole
from mqlearn.messaging.message import RETRIES_EXHAUSTED
from mqlearn.runtime import check
from mqlearn.runtime.threads import ThreadRuntime
from mqlearn.runtime.trace import Trace

PLACES = {
    "waiting": "ApproximateNumberOfMessages",
    "delayed": "ApproximateNumberOfMessagesDelayed",
    "in flight": "ApproximateNumberOfMessagesNotVisible",
}


class SQSQueues(EngineQueue):
    """The queue and its dead letters on the server, and what this process knows beyond SQS's own
    counts. A `visibility_timeout` is in whole seconds.
    """

    engine = "sqs"
    client = "boto3"
    lost = (Unreachable,)

    def __init__(
        self,
        url: str,
        name: str,
        *,
        visibility_timeout: float = 30.0,
        max_retries: int = 3,
        trace: Trace | None = None,
        runtime: ThreadRuntime | None = None,
    ) -> None:
        whole("visibility_timeout", visibility_timeout, 1, LONGEST_LEASE)
        check.whole("max_retries", max_retries, high=999)
        # deliveries whose last lease was lost, by the id of the message
        self._spent: dict[str, Held] = {}
        self._looked = 0.0  # when they were last looked for among the dead letters (s)
        # when what was released with a delay is due (s), by the id of the message
        self._due: dict[str, float] = {}
        self._kept: set[str] = set()  # deliveries of ours that a purge has taken from the server
        super().__init__(
            url,
            name,
            visibility_timeout=visibility_timeout,
            max_retries=max_retries,
            trace=trace,
            runtime=runtime,
        )

    @property
    def kind(self) -> str:
        return "sqs_fifo" if self.name.endswith(".fifo") else "sqs"

    # The connection, and the two queues.

    def _connect(self) -> None:
        self._ask = SQSClient(self.url)
        self._make()

    def _reconnect(self) -> None:
        self._make()  # the client connects by itself, and other threads are using it

    def _make(self) -> None:
        """Make the queue and that of its dead letters, or find that they are as they must be."""
        stem, dot, fifo = self.stored_as.partition(".")
        kind = {"FifoQueue": "true"} if fifo else {}
        # a lease of the dead letters is only that of `DeadLetters`
        dead = self._ask("create_queue", QueueName=f"{stem}-dead{dot}{fifo}", Attributes=kind)
        self._dead = DeadLetters(self._ask, dead["QueueUrl"], self._runtime.lock())
        redrive = {
            "deadLetterTargetArn": self._dead.attributes("QueueArn")["QueueArn"],
            "maxReceiveCount": self.max_retries + 1,
        }
        settings = {
            "VisibilityTimeout": str(int(self.visibility_timeout)),
            "RedrivePolicy": json.dumps(redrive),
        }
        try:
            found = self._ask("get_queue_url", QueueName=self.stored_as)
        except QueueGone:
            made = {"QueueName": self.stored_as, "Attributes": kind | settings}
            found = self._ask("create_queue", **made)
        self._at = {"QueueUrl": found["QueueUrl"]}
        self._agree()

    def _agree(self) -> None:
        """Refuse settings that differ from those that the queue has."""
        known = self._attributes("VisibilityTimeout", "RedrivePolicy")
        limit = json.loads(known.get("RedrivePolicy", "{}")).get("maxReceiveCount")
        has = {
            "visibility_timeout": int(known["VisibilityTimeout"]),
            "max_retries": None if limit is None else int(limit) - 1,
        }
        for setting, value in has.items():
            if value != getattr(self, setting):
                raise EngineError(
                    f"{setting} must be {value}, as the queue {self.name} on sqs has it, got "
                    f"{check.short_repr(getattr(self, setting))}"
                )

    def _attributes(self, *names: str) -> dict[str, str]:
        answer = self._ask("get_queue_attributes", **self._at, AttributeNames=list(names))
        found: dict[str, str] = answer.get("Attributes", {})
        return found

    def _disconnect(self) -> None:
        if hasattr(self, "_ask"):
            self._ask.close()

    def delete(self) -> None:
        """Delete the queue and its dead letters from the server, and close."""
        self._insist(lambda: self._ask("delete_queue", **self._at))
        self._insist(self._dead.delete)
        self.close()

    # Counts, and what SQS does not distinguish.

    def _notice_dead(self) -> None:
        """Record as dead what SQS has moved to the dead letters after its last lease was lost."""
        self._looked = self._runtime.now
        found = {letter.id for letter in self._dead.read()}
        with self._lock:
            gone = [self._spent.pop(key) for key in found & self._spent.keys()]
        for held in gone:
            self._move(held, "dead", RETRIES_EXHAUSTED)

    def _count(self) -> dict[str, int]:
        if self._spent:
            self._notice_dead()
        counted = self._places()
        # what has lost its last lease is visible until SQS moves it
        _shift(counted, "waiting", "in flight", len(self._spent))
        counted["in flight"] += len(self._kept)
        return {**counted, "dead": self._dead.size()}

    def _places(self) -> dict[str, int]:
        """Return how many messages wait, are delayed and are in flight, as SQS sees it."""
        asked = self._attributes(*PLACES.values())
        counted = {place: int(asked[attribute]) for place, attribute in PLACES.items()}
        now = self._runtime.now
        with self._lock:
            self._due = {key: due for key, due in self._due.items() if due > now}
        # SQS hides what was released with a delay as if it were in flight
        _shift(counted, "in flight", "delayed", len(self._due))
        return counted

    def _empty(self) -> int:
        waiting, delayed, flying = self._places().values()
        with self._lock:
            held = {each.fetched.handle.id for each in self._held.values()} - self._kept
        if flying > len(held):
            raise EngineError(
                f"purge cannot leave {flying - len(held)} messages that others have in flight: "
                f"{self.kind} can only purge a whole queue"
            )
        self._ask("purge_queue", **self._at)
        with self._lock:
            spent, self._spent, self._due = self._spent, {}, {}
            self._kept |= held  # if they fail, they are sent again
        for each in spent.values():
            self._move(each, "lease_lost")  # so it waited, as SQS sees it
        return waiting + delayed


def _shift(counted: dict[str, int], here: str, there: str, n: int) -> None:
    """Count `n` messages, or as many as there are, in another place."""
    n = min(n, counted[here])
    counted[here] -= n
    counted[there] += n
