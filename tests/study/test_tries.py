"""The run of known tries: its records, its books, its order at one instant."""

import pytest

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import COMPLETED, Message, MessagePriority, Outcome, Reject
from mqlearn.messaging.processor import MessageProcessor
from mqlearn.messaging.retry import RetryPolicy
from mqlearn.runtime.books import UnbalancedBooks
from mqlearn.runtime.simulation import Simulation
from mqlearn.runtime.trace import Record, Trace
from mqlearn.study.tries import Delivery, Life, Try, run_of_tries

FAILED = Outcome("failed", "timeout")


def told(run):
    """Return the records of a run as (time, event, message id)."""
    return [(record.time, record.event, record.message_id) for record in run.trace.records]


def test_a_failed_try_waits_for_the_next():
    """Delayed and due; each delivery has its attempt, its receipt and its worker."""
    life = Life("order-1", 0.5, (Try(1.0, 2.0, FAILED, "worker-1"), Try(4.0, 4.5)))
    assert run_of_tries(None, [life]).trace.records == [
        Record(0.5, "sent", "orders", 1, "order-1", "NORMAL"),
        Record(1.0, "received", "orders", 1, "order-1", "NORMAL", 1, "worker-1", 1),
        Record(1.0, "started", "orders", 0, "order-1", "NORMAL", 1, "worker-1", 1),
        Record(
            2.0, "finished", "orders", 0, "order-1", "NORMAL", 1, "worker-1", 1, "failed: timeout"
        ),
        Record(2.0, "delayed", "orders", 1, "order-1", "NORMAL", 1, "worker-1", 1, 2.0),
        Record(4.0, "due", "orders", 1, "order-1", "NORMAL", 1),
        Record(4.0, "received", "orders", 1, "order-1", "NORMAL", 2, "worker-0", 2),
        Record(4.0, "started", "orders", 0, "order-1", "NORMAL", 2, "worker-0", 2),
        Record(4.5, "finished", "orders", 0, "order-1", "NORMAL", 2, "worker-0", 2, "completed"),
        Record(4.5, "acked", "orders", 1, "order-1", "NORMAL", 2, "worker-0", 2),
    ]


@pytest.mark.parametrize(
    ("outcome", "then", "event", "detail"),
    [
        (COMPLETED, None, "acked", None),
        (FAILED, 1.0, "nacked", "timeout"),
        (FAILED, 3.0, "delayed", 2.0),
        (FAILED, None, "dead", "timeout"),
        (Outcome("failed"), None, "dead", "failed"),
        (Outcome("rejected", "stolen"), None, "dead", "stolen"),
        (Outcome("rejected", "stolen"), 3.0, "dead", "stolen"),
        (Outcome("released"), None, "released", None),
        (Outcome("released"), 1.0, "released", None),
        (Outcome("released"), 3.0, "postponed", 2.0),
    ],
)
def test_an_outcome_settles_as_in_a_queue(outcome, then, event, detail):
    """The outcome decides what follows a try, and so does the time of the next try."""
    tries = [Try(0.0, 1.0, outcome)] + ([] if then is None else [Try(then, then + 1)])
    records = run_of_tries(None, [Life("order-1", 0.0, tries)]).trace.records
    assert [record.event for record in records[:4]] == ["sent", "received", "started", "finished"]
    assert records[4][:2] == (1.0, event) and records[4].detail == detail
    back = {"delayed": ["due"], "postponed": ["due"], "dead": ["redriven"]}.get(event, [])
    again = ["received", "started", "finished", "acked"]
    assert [record.event for record in records[5:]] == ([] if then is None else back + again)


def test_a_dead_letter_is_redriven_until_a_try_succeeds():
    """Dead before its first try, and after each that fails, though another follows."""
    life = Life("letter-1", 0.0, (Try(1.0, 2.0, FAILED), Try(5.0, 6.0)), dead="outage")
    run = run_of_tries(None, [life])
    assert [record.event for record in run.trace.records] == [
        *("sent", "received", "dead"),
        *("redriven", "received", "started", "finished", "dead"),
        *("redriven", "received", "started", "finished", "acked"),
    ]
    assert run.trace.balance().redriven == 2


LIVES = [
    Life("done", 0.0, (Try(0.0, 1.0),)),
    Life("tried again", 0.0, (Try(1.0, 2.0, FAILED), Try(5.0, 6.0))),
    Life("given back", 0.0, (Try(1.0, 2.0, Outcome("released")),)),
    Life("failed", 1.0, (Try(2.0, 3.0, FAILED),)),
    Life("unanswered", 1.0, (Try(2.0, 3.0, None),)),
    Life("untried", 2.0),
    Life("letter", 2.0, (Try(4.0, 5.0, FAILED), Try(6.0, 7.0)), dead="outage"),
    Life("acked late", 0.0, (Try(1.0, 2.0),), delivery=Delivery(0.5, 3.0)),
    Life("called twice", 1.0, (Try(2.0, 2.5), Try(2.5, 3.0)), delivery=Delivery(2.0, 6.0, FAILED)),
]


@pytest.mark.parametrize("until", [0.0, 0.5, 1.0, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0])
def test_the_books_balance_at_any_time(until):
    """Cut at any instant, the records add up to the places that the lives have then."""
    run = run_of_tries(None, LIVES, until)
    places = [life.place(until) for life in LIVES]
    books = run.trace.balance("orders")
    assert run.until == until and books.accepted == len(LIVES) - places.count("")
    assert (books.completed, books.waiting, books.delayed, books.in_flight, books.dead) == tuple(
        places.count(place) for place in ("completed", "waiting", "delayed", "in flight", "dead")
    )


def test_a_record_that_is_lost_is_found():
    """The places are counted from the lives, so records that miss one do not balance."""
    trace = run_of_tries(None, LIVES).trace
    trace.records.pop()
    with pytest.raises(
        UnbalancedBooks, match="orders holds 1 entries in flight, its records say 2"
    ):
        trace.balance()


def test_at_one_instant_workers_are_free_before_they_are_needed():
    """Extra records, then what ends, then what arrives, then what begins; listed order decides."""
    lives = [
        Life("second", 1.0, (Try(1.0, 2.0),)),
        Life("first", 0.0, (Try(0.0, 1.0),)),
        Life("third", 1.0, (Try(2.0, 3.0),)),
    ]
    run = run_of_tries(None, lives, extra=[Record(1.0, "opened", "breaker")])
    assert told(run)[3:10] == [
        (1.0, "opened", ""),
        (1.0, "finished", "first"),
        (1.0, "acked", "first"),
        (1.0, "sent", "second"),
        (1.0, "sent", "third"),
        (1.0, "received", "second"),
        (1.0, "started", "second"),
    ]
    assert run.depth()["in_flight"].max() == 1
    assert [record.entry for record in run.trace.records if record.event == "sent"] == [1, 2, 3]


def test_a_try_without_length_stays_in_sequence():
    """It ends after it began, and the next one begins after that."""
    lives = [Life("order-1", 0.0, (Try(0.0, 0.0, FAILED), Try(0.0, 0.0)))]
    assert [event for _, event, _ in told(run_of_tries(None, lives))] == [
        *("sent", "received", "started", "finished", "nacked"),
        *("received", "started", "finished", "acked"),
    ]


@pytest.mark.parametrize(
    "tries", [[Try(0.5, 2.0)], [Try(2.0, 1.5)], [Try(1.0, 3.0, FAILED), Try(2.0, 4.0)]]
)
def test_times_that_go_back_are_refused(tries):
    """A try before its message was sent, one that ends before it begins, two at once."""
    with pytest.raises(ValueError, match="the times of order-1 must not go back, got "):
        run_of_tries(None, [Life("order-1", 1.0, tries)])


def test_tries_may_be_calls_in_one_delivery():
    """Received before the first call, settled after the last one; a batch is recorded at its first
    message.
    """
    refused = Outcome("failed", "refused")
    calls = (Try(1.0, 2.0, refused, batch=2), Try(2.0, 3.0, batch=1))
    lives = [
        Life("good", 0.0, calls, delivery=Delivery(0.5, 3.5)),
        Life("bad", 0.0, calls[:1], delivery=Delivery(0.5, 3.5, refused)),
    ]
    run = run_of_tries(None, lives)
    assert [record[:3] + record[-2:] for record in run.trace.records if record.receipt == 1] == [
        (0.5, "received", "orders", 1, None),
        (1.0, "batched", "orders", 1, 2),
        (1.0, "started", "orders", 1, None),
        (2.0, "finished", "orders", 1, "failed: refused"),
        (2.0, "batched", "orders", 1, 1),
        (2.0, "started", "orders", 1, None),
        (3.0, "finished", "orders", 1, "completed"),
        (3.5, "acked", "orders", 1, None),
    ]
    last = run.trace.records[-1]
    assert (last.event, last.message_id, last.detail) == ("dead", "bad", "refused")


def test_the_fields_of_the_run_are_those_given():
    """Scenario, seed, end and verdict; totals come from the books."""
    run = run_of_tries("it", LIVES, 9.0, seed=7, queue="calls", verdict="Said.", theory={"dead": 2})
    assert (run.scenario, run.seed, run.until, run.verdict) == ("it", 7, 9.0, "Said.")
    assert run.theory == {"dead": 2} and run.totals == {"sent": 9, "done": 4, "dead": 2}
    assert {record.source for record in run.trace.records} == {"calls"}
    assert run_of_tries(None, LIVES).until == 7.0 and run_of_tries(None, []).until == 0.0


def test_a_real_queue_records_the_same():
    """Two workers, a retry, a death: as the package's own queue and processor record it."""
    handled = {"order-1": [1.0, 2.0], "order-2": [0.5], "order-3": [4.0]}
    with Simulation() as sim:
        trace = Trace()
        queue = InMemoryMessageQueue(
            visibility_timeout=None,
            retry=RetryPolicy(2.0, jitter="none"),
            runtime=sim,
            trace=trace,
            name="orders",
        )

        def handle(message):
            sim.sleep(handled[message.id][message.attempt - 1])
            if message.id == "order-1" and message.attempt == 1:
                raise TimeoutError
            if message.id == "order-2":
                raise Reject("stolen")

        processor = MessageProcessor(queue)
        processor.register_processor("default", handle)
        processor.start_workers(2)
        for name in handled:
            queue.send(Message(id=name, priority=MessagePriority.HIGH))
        sim.run()
    high = MessagePriority.HIGH
    failure, rejection = Outcome("failed", "TimeoutError"), Outcome("rejected", "stolen")
    lives = [
        Life("order-1", 0.0, (Try(0.0, 1.0, failure), Try(3.0, 5.0)), high),
        Life("order-2", 0.0, (Try(0.0, 0.5, rejection, "worker-1"),), high),
        Life("order-3", 0.0, (Try(0.5, 4.5, worker="worker-1"),), high),
    ]
    assert run_of_tries(None, lives).trace.records == trace.records
