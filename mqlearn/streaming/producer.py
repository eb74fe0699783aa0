"""A producer: it sends values to a replicated log in order, and asks again until it is told yes."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable

from mqlearn.runtime import check
from mqlearn.streaming.replica import REFUSALS, NotLeader, OutOfSequence
from mqlearn.streaming.replicated import ReplicatedLog, checked_acks

ASK_AGAIN = 0.1  # seconds between an answer that is not yes and the next try


class Producer:
    """Sends what it is given, in order and at most `in_flight` values at once.

    A value that is refused, or not answered within `timeout` seconds, is sent again for
    `delivery_timeout` seconds. With `idempotent` each value has a number, so that none is appended
    twice and none overtakes another; it needs `acks="all"`, and has no effect without. `told` says
    what this producer knows of each value: "yes", it is there; "no", it is not; "maybe", no answer
    came; "nothing", it was not asked yet, or with acks 0 never will be. `to` is the replica that it
    believes to lead; None: it asks the controller.

    Source: Apache Kafka's producer (`delivery.timeout.ms`, `enable.idempotence`,
    `max.in.flight.requests.per.connection`).
    """

    def __init__(
        self,
        log: ReplicatedLog,
        name: str,
        *,
        acks: str | int = "all",
        idempotent: bool = True,
        in_flight: int = 1,
        timeout: float = 10.0,
        delivery_timeout: float = 30.0,
    ) -> None:
        check.instance("log", log, ReplicatedLog)
        check.instance("name", name, str)
        self.acks = checked_acks(acks)
        check.instance("idempotent", idempotent, bool)
        self.in_flight = check.whole("in_flight", in_flight, low=1)
        self.timeout = check.number("timeout", timeout, low=0)
        self.delivery_timeout = check.number("delivery_timeout", delivery_timeout, low=0)
        self.log, self.name = log, name
        # without "all" an acknowledged number may be lost, and all that follow would be refused
        self.idempotent = idempotent and acks == "all"
        self.to: int | None = None
        self.told: dict[Hashable, str] = {}
        self._line: deque[Hashable] = deque()
        self._lock = log.runtime.lock()
        self._senders = self._pending = 0
        self._life, self._sequence = 1, 0

    @property
    def pending(self) -> int:
        """The number of values that it has not finished sending."""
        return self._pending

    def send(self, value: Hashable) -> None:
        """Send `value` in the background, after those before it; `told` has the answer.

        Raises ValueError for a value that it was given before.
        """
        try:
            known = value in self.told
        except TypeError:
            raise TypeError(f"value must be hashable, got {check.short_repr(value)}") from None
        if known:
            raise ValueError(f"value must be new to {self.name}, got {check.short_repr(value)}")
        with self._lock:
            self.told[value] = "nothing"
            self._line.append(value)
            self._pending += 1
            if self._senders < self.in_flight:
                self._senders += 1
                self.log.runtime.spawn(self._send_line, name=self.name)

    def _send_line(self) -> None:
        """Send one value after the other, until none waits."""
        while True:
            with self._lock:
                if not self._line:
                    self._senders -= 1
                    return
                value, number = self._line.popleft(), self._next_number()
            self._deliver(value, number)
            with self._lock:
                self._pending -= 1

    def _next_number(self) -> tuple[str, int]:
        """Return the name and the number under which the next value is sent."""
        if not self.idempotent:
            return "", 0
        self._sequence += 1
        return self._numbered_as(), self._sequence

    def _numbered_as(self) -> str:
        return f"{self.name}/{self._life}"

    def _deliver(self, value: Hashable, number: tuple[str, int]) -> None:
        """Send a value until it is there, or the time for it is over."""
        runtime, tries = self.log.runtime, 1
        deadline = runtime.now + self.delivery_timeout
        while (answer := self._try(value, number)) is not None:
            if self.acks == 0 or runtime.now >= deadline:
                self._give_up(number)
                return
            runtime.sleep(ASK_AGAIN)
            if isinstance(answer, OutOfSequence):
                number = self._renumbered(number)
            tries += 1
            self.log.note_retry(self.name, value, tries)

    def _try(self, value: Hashable, number: tuple[str, int]) -> Exception | None:
        """Send a value once; return None if nothing is left to do, else what went wrong."""
        producer, sequence = number
        try:
            offset = self.log.append(
                value,
                acks=self.acks,
                timeout=self.timeout,
                to=self.to,
                producer=producer,
                sequence=sequence,
            )
        except REFUSALS as refusal:
            if isinstance(refusal, NotLeader):
                self.to = None
            if self.told[value] == "nothing":
                self.told[value] = "no"
            return refusal
        if offset is not None:
            self.told[value] = "yes"
        elif self.acks != 0:
            self.told[value], self.to = "maybe", None
            return TimeoutError()
        return None

    def _give_up(self, number: tuple[str, int]) -> None:
        """Begin to count again under another name: the number that was given up may be missing, and
        would be a gap for all that follow.
        """
        with self._lock:
            if number[0] == self._numbered_as():
                self._life, self._sequence = self._life + 1, 0

    def _renumbered(self, number: tuple[str, int]) -> tuple[str, int]:
        """Return a number for a value that was refused because of an earlier one: the same, unless
        that was given up meanwhile.
        """
        with self._lock:
            return number if number[0] == self._numbered_as() else self._next_number()
