"""The package with one fault each, on purpose: chaos must catch every one, or it would not catch
the next bug.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from mqlearn.messaging import (
    batch,
    breaker,
    breaker_processor,
    counters,
    deduplication,
    idempotency,
    memory,
    message,
    operations,
    processor,
    transitions,
    workers,
)
from mqlearn.messaging.message import Outcome, Reject, Release
from mqlearn.runtime import pool

Harm = Callable[[pytest.MonkeyPatch], None]
MOVE, HEAR, STOP = counters.QueueCounters._move, counters.QueueCounters.hear, pool.WorkerPool.stop


def without(owner: type, method: str, line: str, instead: str = "pass") -> Harm:
    """This method with `instead` in place of `line`, which must be in it once, and all else as it
    is.
    """

    def harm(patch: pytest.MonkeyPatch) -> None:
        function = inspect.getattr_static(owner, method)
        wrapped = function.fget if isinstance(function, property) else function
        source = textwrap.dedent(inspect.getsource(wrapped))
        assert source.count(line) == 1, f"{line!r} is {source.count(line)} times in {method}"
        scope = dict(wrapped.__globals__)
        exec(
            "from __future__ import annotations\n"
            + with_class(owner, source.replace(line, instead)),
            scope,
        )
        changed = vars(scope[owner.__name__])[method]
        cell = (
            next((c for c in changed.__closure__ or ()), None)
            if not isinstance(changed, property)
            else None
        )
        if cell is not None:  # `super()` is that of the real class
            cell.cell_contents = owner
        patch.setattr(owner, method, changed)

    return harm


def with_class(owner: type, source: str) -> str:
    """A class of that name with this method alone."""
    return f"class {owner.__name__}:\n" + textwrap.indent(source, "    ")


def forgets(name: str, event: str) -> Harm:
    """A table of the tally without this kind of record."""
    return lambda patch: patch.setattr(
        counters, name, {k: v for k, v in getattr(counters, name).items() if k != event}
    )


def replaces(owner: Any, name: str, value: Callable[..., Any]) -> Harm:
    """Something done otherwise."""
    return lambda patch: patch.setattr(owner, name, value)


def pads(results: Sequence[Any], count: int) -> list[Any]:
    """Takes what a list that is too short does not say for a success."""
    outcomes = READ(results, len(results)) if isinstance(results, list) else []
    return outcomes + [message.COMPLETED] * (count - len(outcomes))


def makes_up(runtime: Any, question: Callable[[], Any], instead: Callable[[], Any]) -> Any:
    """Return an answer of its own where there is none."""
    try:
        return question()
    except Exception:
        return 70_000.0


FAILED = Outcome("failed", "it was false")
READ = batch.read_results
QUEUE, POOL = memory.InMemoryMessageQueue, workers.Workers
MOVES, OPERATIONS = transitions.QueueTransitions, operations.QueueOperations
PLAIN, BATCH, BREAKER = (
    processor.MessageProcessor,
    batch.BatchMessageProcessor,
    breaker.CircuitBreaker,
)
GUARDED, TALLY, ONCE = (
    breaker_processor.CircuitBreakerMessageProcessor,
    counters.QueueCounters,
    idempotency.IdempotentHandler,
)
DEDUP = deduplication.DeduplicatingQueue

HARMS: dict[str, Harm] = {
    # Code that is handed in.
    "a listener that fails stops the queue": without(
        MOVES, "_emit", "self._listeners.pass_over(listener, error)", "raise"
    ),
    "a backoff that is none is made up": replaces(transitions, "ask", makes_up),
    "a cool-down that is none is short": lambda patch: patch.setattr(
        breaker, "DEFAULT_COOLDOWN", 0.25
    ),
    "an exit ends the worker": without(
        POOL, "_attempt", "except BaseException as error", "except Exception as error"
    ),
    "what a handler wrote decides what is settled": without(
        POOL, "_attempt", "handle(message.copy())", "handle(message)"
    ),
    "every result that is true is a success": replaces(
        workers,
        "read_outcome",
        lambda result, *said: batch.COMPLETED if result is None or bool(result) else FAILED,
    ),
    # The queue.
    "an ack asks for no receipt": without(
        MOVES,
        "_find",
        "self._in_flight.get(delivery.receipt)",
        "next((entry for entry in self._in_flight.values() if entry.message.id == delivery.id), "
        "None)",
    ),
    "a failure is charged twice": without(
        MOVES, "_fail", "message.retry_count += 1", "message.retry_count += 2"
    ),
    "a lost lease is not charged": without(
        MOVES,
        "_end_what_is_due",
        'self._fail(entry, "lease_lost", "lease lost")',
        'self._requeue(entry, "lease_lost", None)',
    ),
    "a new message wakes nobody": without(QUEUE, "send", "self._available.notify()"),
    "a message that comes back wakes nobody": without(
        MOVES, "_requeue", "self._available.notify()"
    ),
    "a message that is due wakes nobody": without(
        MOVES, "_end_what_is_due", "self._available.notify()"
    ),
    "a redriven message wakes nobody": without(OPERATIONS, "redrive", "self._available.notify()"),
    "room after a purge wakes nobody": without(OPERATIONS, "purge", "self._wake_senders()"),
    "room after a delivery wakes nobody": without(QUEUE, "_deliver", "self._offer_room()"),
    "a requeued entry is lost": without(MOVES, "_requeue", "self._ready.requeue(entry)"),
    "a lease never ends": without(
        QUEUE, "_deliver", "self._start_lease(entry, now + self.visibility_timeout)"
    ),
    "an extended lease ends at its old time": without(
        QUEUE, "extend", "self._start_lease(entry, self._runtime.now + seconds)"
    ),
    "a backoff is not waited for": without(
        MOVES, "_fail", "self._runtime.now + backoff", "self._runtime.now"
    ),
    "what expired is handed out": without(QUEUE, "_pop_live", "entry.end >= now", "True"),
    "a redriven message keeps its failures": without(
        OPERATIONS,
        "_revive",
        "message.retry_count, message.status = 0, ",
        "_, message.status = 0, ",
    ),
    "a redriven message stays dead": without(
        OPERATIONS, "redrive", "self._dead.pop(entry.number, None)", "self._dead[entry.number]"
    ),
    "a discarded message stays dead": without(
        OPERATIONS,
        "discard_dead_letters",
        "self._dead.pop(entry.number, None)",
        "self._dead[entry.number]",
    ),
    "a purge leaves what is delayed": without(OPERATIONS, "purge", "self._delayed.clear()"),
    "a purge throws away what is in flight": without(
        OPERATIONS, "purge", "self._ready.clear()", "self._ready.clear(); self._in_flight.clear()"
    ),
    "a full queue takes one more": without(QUEUE, "send", ">= self.max_size", "> self.max_size"),
    "a refusal is answered True": without(QUEUE, "send", "return False", "return True"),
    "priorities are forgotten": without(QUEUE, "_make_entry", "LANE[stored.priority])", "2)"),
    "what is taken is taken again": without(DEDUP, "send", "key in self._accepted", "False"),
    # Processors.
    "a crash is settled": without(POOL, "_attempt", "return None", "return COMPLETED"),
    "an exception is a success": without(
        POOL, "_attempt", "outcome = outcome_of(error)", "outcome = COMPLETED"
    ),
    "a false result is a success": without(
        POOL,
        "_answer",
        "return read_outcome(self._call(handler, message))",
        "self._call(handler, message); return COMPLETED",
    ),
    "a release is a failure": replaces(
        workers,
        "outcome_of",
        lambda error: (
            Outcome("failed", "released")
            if isinstance(error, Release)
            else message.outcome_of(error)
        ),
    ),
    "a rejection is retried": replaces(
        workers,
        "outcome_of",
        lambda error: (
            Outcome("failed", error.reason)
            if isinstance(error, Reject)
            else message.outcome_of(error)
        ),
    ),
    "a stopped worker keeps what it holds": without(
        PLAIN, "_work", "self._tell_queue(queue.release, held.popleft())", "held.popleft()"
    ),
    "stale settlings are counted": without(POOL, "_settle", "if settled:", "if True:"),
    "a message is handled twice": without(
        PLAIN,
        "_handle",
        "return self._answer(handler, message)",
        "self._answer(handler, message); return self._answer(handler, message)",
    ),
    "a stop wakes nobody": replaces(
        pool.WorkerPool, "stop", lambda self, wake, timeout: STOP(self, lambda: None, timeout)
    ),
    "a worker that has to leave goes on": without(
        pool.WorkerPool, "told_to_stop", "return task in self._told", "return False"
    ),
    "one that leaves takes all with it": without(
        pool.WorkerPool, "told_to_stop", "self._surplus -= 1"
    ),
    "the idle are not told to leave": without(
        pool.WorkerPool, "scale_to", "if more < 0", "if False"
    ),
    # The breaker.
    "half-open lets one probe more in": without(
        BREAKER, "_taken", "return answered + ", "return answered - 1 + "
    ),
    "open is closed": without(BREAKER, "_acquire", "self.state == OPEN or", "False or"),
    "what waited for a message takes it though it opened": without(
        GUARDED, "_take", "lambda: cancelled() or not permit.current", "lambda: cancelled()"
    ),
    "an old answer counts": without(
        breaker.Permit, "current", "and self.generation == self._breaker.generation", "and True"
    ),
    "half of the cool-down is enough": without(
        BREAKER, "_start_cooldown", "seconds, lambda self", "seconds / 2, lambda self"
    ),
    "it half-opens and tells nobody": without(BREAKER, "_half_open", "self._notify()"),
    # kept, and not only dropped: the breaker takes the place of a dropped one back
    "who finds no message keeps the permit": without(
        GUARDED, "_take", "permit.cancel()", "vars(self).setdefault('kept', []).append(permit)"
    ),
    "a cancelled probe keeps its place": without(
        BREAKER, "_cancel", 'self._end(permit, "cancelled")', "self._succeeded += permit.probe"
    ),
    "a lost probe is waited for for ever": without(
        BREAKER, "_begin", "permit.probe and", "False and"
    ),
    "one good probe of several closes": without(
        BREAKER, "_count", "self._succeeded == self.probes", "self._succeeded >= 1"
    ),
    "failures are counted for ever": without(
        BREAKER, "_count", "self.failure_count + 1 if failed else 0", "self.failure_count + failed"
    ),
    "a failure too few opens": without(
        BREAKER,
        "_count",
        "self.failure_count >= self.failure_threshold",
        "self.failure_count >= self.failure_threshold - 1",
    ),
    # Batches.
    "a list too short is filled up": replaces(batch, "read_results", pads),
    "the first result is everybody's": without(
        BATCH, "_process", "self._settle(message, outcome)", "self._settle(message, outcomes[0])"
    ),
    "a stopped batch is kept": without(
        BATCH, "_work", "self._tell_queue(self.queue.release, message)"
    ),
    "a batch that fills lets its leases end": without(
        BATCH, "_collect", "self._tell_queue(self.queue.extend, m, lease)", "True"
    ),
    "a batch waits twice as long": without(
        BATCH, "_collect", "clock.now + self.batch_timeout", "clock.now + 2 * self.batch_timeout"
    ),
    "a crashed batch is settled": without(
        BATCH,
        "_process",
        "task.crashed = True",
        "outcomes, task.crashed = [Outcome()] * len(batch), False",
    ),
    # Idempotency.
    "nobody's claim holds": without(ONCE, "_holds", "else current", "else False"),
    "no result is kept": without(ONCE, "_store", "if until > before:", "if False:"),
    "the dead end their claims": without(
        ONCE,
        "_work",
        "raise  # a crash or an interrupt: the claim ends with the lease",
        "self._claims.pop(key, None); raise",
    ),
    # Metrics.
    "a lost lease is no failure": forgets("COUNTED", "lease_lost"),
    "the last failure is not charged": replaces(
        TALLY,
        "_died",
        lambda self, event, detail: self.reasons.update([detail if event == "dead" else event]),
    ),
    "an expired message is no dead letter": forgets("COUNTED", "expired"),
    "a delayed retry is no failure": forgets("COUNTED", "delayed"),
    "a scheduled message is not sent": forgets("COUNTED", "scheduled"),
    "a lost lease leaves its delivery open": forgets("ERRORS", "lease_lost"),
    "the window never moves": replaces(TALLY, "_trim", lambda self, what, now: None),
    "a redriven message has its old age": replaces(
        TALLY,
        "_move",
        lambda self, time, entry, sources, to: MOVE(
            self, time, entry, "waiting" if sources == "dead" else sources, to
        ),
    ),
    "the dead still age": replaces(
        TALLY,
        "_move",
        lambda self, time, entry, sources, to: [
            MOVE(self, time, entry, sources, to),
            self._since.setdefault(entry, time) if to == "dead" else None,
        ],
    ),
    "a stale settling lands": replaces(
        TALLY,
        "hear",
        lambda self, r: HEAR(self, (r.time, "acked", *r[2:]) if r.event == "stale" else r),
    ),
}
