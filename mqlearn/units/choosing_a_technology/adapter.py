"""Exercise 14.2: an adapter that makes a queue of an engine's wire client. Graded on random losses
of its connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.runtime.pool import WorkerPool
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Trace
from mqlearn.study.card import EffectLedger
from mqlearn.study.exercise import Answer, Exercise, Mistake, call_answer
from mqlearn.study.run import Run
from mqlearn.study.verdict import Verdict
from mqlearn.units.choosing_a_technology.wire import Engine, Wire

ORDERS, WORKERS = 20, 3
LEASE = 10.0  # seconds; the visibility time of the engine
RETRIES = 30  # more than lost leases can use up
UNTIL = 300.0  # seconds; a right answer is done long before
SLOW, FAILS = 0.15, 0.15  # shares of the tries that outlast the lease, and of those that fail
CHARTS = ("leases",)  # that a replay shows


def check_adapter(adapter: Callable[[Callable[[], Wire]], Any]) -> Verdict:
    """Grade `Adapter(connect)`, a class whose objects have `receive()` and
    `settle(delivery, done)`. Three workers share one object.

    `connect()` returns a wire, after waiting for the engine if it is down. `wire.fetch()` returns a
    packet with `handle`, `id`, `body` and `attempt`, or None after a second; the message is then
    hidden for 10 s. `wire.delete(handle)` deletes the message of this delivery, and
    `wire.release(handle)` shows it again. Each of these calls can raise ConnectionLost, before or
    after the engine has done it, and then the wire is useless; for a delivery that is over, delete
    and release raise StaleHandle.

    `receive()` returns `Message(id=…, body=…, attempt=…)` for a packet, or None.
    `settle(delivery, done)` gets that object back, and deletes the message if the work is done,
    else releases it; it returns True if this delivery is settled by it, and False if the delivery
    was over already. Neither raises.

    In 100 seeds connections break and the engine restarts, some work takes longer than 10 s, and
    some fails. No delivery may be settled by another one, no answer may be untrue, and all orders
    must be done within five minutes.
    """
    return EXERCISE.grade(adapter)


class Receipt(NamedTuple):
    """A call of `receive`: the time of its return (s), its worker, the answer, and the delivery
    that the answer stands for, with True if it was still current then; None if it stands for none.
    """

    time: float
    worker: str
    answer: Answer
    delivery: Message | None
    current: bool


class Settled(NamedTuple):
    """A call of `settle` for a delivery: when it began and ended (s), its worker, whether the work
    was done, the answer, and True for a delivery that was still current after it.
    """

    delivery: Message
    begun: float
    time: float
    worker: str
    done: bool
    answer: Answer
    current: bool


@dataclass
class Shift:
    """A run of an answer: the object that it made, what its calls returned, the engine, and the
    run; no run if it made no adapter.
    """

    made: Answer
    engine: Engine
    receipts: list[Receipt] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    calm: bool = False
    run: Run | None = None


class AdapterExercise(Exercise[int, Shift]):
    """First one order over a calm connection, then all orders with all faults."""

    def play(self, answer: Callable[..., Any], case: int) -> Shift:
        # An answer that fails without faults gets the simpler sentence.
        calm = _run(answer, case, calm=True)
        if next(iter(self.mistakes(calm)), None) is not None:
            return calm
        return _run(answer, case, calm=False)

    def mistakes(self, world: Shift) -> Iterator[Mistake]:
        if world.run is None:
            yield Mistake(
                f"expected an object with receive() and settle(delivery, done), {world.made}",
                "hand over the class: Adapter(connect) makes the adapter",
            )
            return
        calm = "one order, and no connection is lost: " if world.calm else ""
        found = [*_wrong_receipts(world), *_wrong_settlements(world)]
        for _, said, hint in sorted(found, key=lambda each: each[0]) or _unfinished(world):
            run = partial(replace, world.run, verdict=f"{said}.")
            yield Mistake(calm + said, hint, None if world.calm else run)

    def summary(self, worlds: list[Shift]) -> str:
        stale = sum(each.answer.value is False for world in worlds for each in world.settled)
        calls = sum(world.engine.lost for world in worlds)
        return (
            f"{len(worlds)} seeds, {len(worlds) * ORDERS:,} orders, {calls:,} lost connections: "
            f"every order was done, {stale:,} deliveries were over before they were settled, and "
            "none settled another"
        )


EXERCISE = AdapterExercise()

Found = tuple[float, str, str]  # the time (s) of a mistake, what is wrong, and a hint


def _wrong_receipts(world: Shift) -> Iterator[Found]:
    """Yield the calls of `receive` that did not return what the contract says."""
    seen = set[int]()
    for time, worker, answer, delivery, current in world.receipts:
        message = answer.value
        if answer.error is not None or not isinstance(message, Message | None):
            yield (
                time,
                f"receive() of {worker} at {time:.1f} s: expected a Message or None, {answer}",
                "a lost connection is no reason to stop: get a new one from connect()",
            )
        elif message is not None:
            name = f"{worker} received attempt {message.attempt} of {message.id} at {time:.1f} s"
            if delivery is None or delivery.receipt in seen:
                wrong = "but no packet had this id and attempt"
                yield (
                    time,
                    f"{name}, {wrong if delivery is None else 'a second time'}",
                    "one message for each packet, with its id, its body and its attempt",
                )
            elif not current:
                end = world.engine.ended.get(f"h-{delivery.receipt}")
                ended = "" if end is None or end.time > time else end.kind
                yield (
                    time,
                    f"{name}, "
                    + (f"{ended}d already" if ended else "after its visibility time had ended"),
                    "delete or release a message after the work, when settle() is called"
                    if ended
                    else "the time runs from the fetch: fetch only what a worker begins with now",
                )
        if delivery is not None:
            seen.add(delivery.receipt)


def _wrong_settlements(world: Shift) -> Iterator[Found]:
    """Yield the calls of `settle` that ended another delivery, or whose answer is untrue."""
    for each in world.settled:
        name = f"{each.delivery.id}, attempt {each.delivery.attempt}"
        asked = "delete" if each.done else "release"
        mine = world.engine.ended.get(f"h-{each.delivery.receipt}")
        for end in world.engine.ended_by(each.worker, each.begun, each.time):
            if end.delivery.receipt != each.delivery.receipt:
                yield (
                    end.time,
                    f"{each.worker} settled attempt {each.delivery.attempt} of "
                    f"{each.delivery.id} at {end.time:.1f} s, and with it attempt "
                    f"{end.delivery.attempt}, which another worker was working on",
                    "a message comes again under the same id: which handle is this delivery's own?",
                )
        if mine is not None and mine.kind != asked:
            yield (
                mine.time,
                f"{name}: the work was {'' if each.done else 'not '}done, and the message was "
                f"{mine.kind}d at {mine.time:.1f} s",
                "delete what is done, and release what is not",
            )
        elif each.answer.error is not None or not isinstance(each.answer.value, bool):
            yield (
                each.time,
                f"settle({name}, {each.done}) at {each.time:.1f} s: expected True or False, "
                f"{each.answer}",
                "a lost connection is tried again on a new one; a stale handle means False",
            )
        elif each.answer.value and mine is None:
            yield (
                each.time,
                f"settle({name}, {each.done}) said True at {each.time:.1f} s, but the engine did "
                f"not {asked} it",
                "only a call that returns without an error has settled it",
            )
        elif not each.answer.value and (mine is not None or each.current):
            state = "had done it" if mine is not None else "still held it for this worker"
            yield (
                each.time,
                f"settle({name}, {each.done}) said False at {each.time:.1f} s, but the engine "
                f"{state}",
                "after a lost connection nothing is known: connect again, and ask again with the "
                "same handle",
            )


def _unfinished(world: Shift) -> Iterator[Found]:
    """Yield an order that was not done in time, if there is one."""
    done = {end.delivery.id for end in world.engine.ended.values() if end.kind == "delete"}
    for number in range(1, 1 + (1 if world.calm else ORDERS)):
        if f"order-{number}" not in done:
            yield (
                UNTIL,
                f"order-{number} is not done after {UNTIL / 60:.0f} minutes",
                "receive() must return each packet's message, also after a lost connection",
            )
            return


def _run(answer: Callable[..., Any], seed: int, *, calm: bool) -> Shift:
    """Return the run of this seed: one order without faults if `calm`, else all with all faults."""
    with Simulation(seed) as sim:
        trace = Trace()
        queue = InMemoryMessageQueue(
            visibility_timeout=LEASE, runtime=sim, trace=trace, name="orders"
        )
        engine = Engine(sim, queue, calm=calm)
        made: list[Answer] = []

        # In a task of its own, since connecting takes time.
        def make() -> None:
            made.append(call_answer(answer, engine.connect))

        sim.spawn(make, name="maker")
        while not made and sim.now < LEASE:
            sim.run(until=sim.now + 0.1)
        made.append(Answer())  # of a class that connects again and again and never comes back
        shift = Shift(made[0], engine, calm=calm)
        adapter = made[0].value
        if not all(callable(getattr(adapter, name, None)) for name in ("receive", "settle")):
            return shift
        start = sim.now
        ledger = EffectLedger(sim, trace=trace)
        pool = WorkerPool(sim, lambda: _work(sim, shift, ledger, adapter, pool))
        pool.start(WORKERS)
        for number in range(1, 1 + (1 if calm else ORDERS)):
            order = {"order": f"order-{number}"}
            queue.send(Message(id=f"order-{number}", body=order, max_retries=RETRIES))
        # In pieces of 30 s, so that a run ends soon after its last message is settled.
        while sim.now < start + UNTIL and queue.size() + queue.get_in_flight_count():
            sim.run(until=sim.now + 30.0)
        shift.run = replace(Run.of(trace, sim.now), charts=CHARTS, seed=seed)
    return shift


def _work(
    sim: Simulation, shift: Shift, ledger: EffectLedger, adapter: Any, pool: WorkerPool
) -> None:
    """Receive, work and settle until the pool stops."""
    while not pool.stopping:
        got = call_answer(adapter.receive)
        now, worker = sim.stamp()
        delivery = _delivery_of(got.value, shift.engine)
        held = delivery is not None and shift.engine.queue.is_current(delivery) is True
        shift.receipts.append(Receipt(now, worker, got, delivery, held))
        if delivery is None:
            sim.sleep(1.0)  # or an answer without a pause would go on forever at one instant
            continue
        done = _try(sim, shift, ledger, delivery)
        begun = sim.now
        said = call_answer(adapter.settle, got.value, done)
        held = shift.engine.queue.is_current(delivery) is True
        shift.settled.append(Settled(delivery, begun, sim.now, worker, done, said, held))


def _delivery_of(message: Any, engine: Engine) -> Message | None:
    """Return the engine's delivery with the id and the attempt of this message, if there is one."""
    if not isinstance(message, Message):
        return None
    for each in engine.given.values():
        if (each.id, each.attempt) == (message.id, message.attempt):
            return each
    return None


def _try(sim: Simulation, shift: Shift, ledger: EffectLedger, delivery: Message) -> bool:
    """Work on a delivery, and charge its order; return True if that is done. Some work outlasts the
    lease, and some fails before the charge.
    """
    trace = ledger.trace or Trace()
    key = (delivery.id, delivery.attempt)
    now, worker = sim.stamp()
    trace.note(now, "started", "orders", delivery=delivery, worker=worker)
    slow = not shift.calm and sim.draw("slow", *key) < SLOW
    sim.sleep((LEASE if slow else 0.0) + 1.0 + 4.0 * sim.draw("work", *key))
    done = shift.calm or sim.draw("fails", *key) >= FAILS
    if done:
        ledger.record(delivery.id, 20.0)
    detail = "completed" if done else "failed"
    trace.note(sim.now, "finished", "orders", delivery=delivery, worker=worker, detail=detail)
    return done
