"""A job of unit 14 runs on an engine that is there, and is recorded for one that is not."""

import json
from contextlib import contextmanager

import pytest

from mqlearn import Message, MessageProcessor, WorkerCrash
from mqlearn.engines.errors import EngineError
from mqlearn.units.choosing_a_technology import live
from mqlearn.units.choosing_a_technology.live import LiveOrRecorded, as_run, live_result
from mqlearn.units.choosing_a_technology.shop import open_shop


def checkout(shop):
    """The notebook's job: a worker charges order-2 and dies before its ack."""

    def work(order):
        shop.sleep(0.3)
        shop.card.charge(order.id, 20.0)
        if order.id == "order-2" and order.attempt == 1:
            raise WorkerCrash

    processor = MessageProcessor(shop.queue)
    processor.register_processor("default", work)
    processor.start_workers(2)
    for number in (1, 2, 3):
        shop.queue.send(Message(id=f"order-{number}"))
    shop.wait_until(lambda: processor.metrics["processed"] == 3)
    processor.stop_workers()


def counted(shop):
    """A job with an answer."""
    shop.queue.send(Message(id="order-1"))
    return shop.queue.size(), "sent"


@pytest.fixture
def told():
    """The lines that were told."""
    return []


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """A file with a recorded run of `checkout` and a recorded answer of `counted`, both of redis,
    and no engine installed.
    """
    with open_shop("memory") as shop:
        run = live_result(shop, checkout)
    about = {"engine": "redis", "date": "2026-11-30", "version": "Valkey 9.1.2"}
    results = [
        about | {"job": "checkout", "options": {}} | run,
        about | {"job": "counted", "options": {"appendfsync": "no"}, "answer": [1, "sent"]},
    ]
    (tmp_path / live.FILE).write_text(json.dumps(results))
    monkeypatch.setattr(live, "data_file", tmp_path.joinpath)

    @contextmanager
    def absent(engine, **_):
        raise EngineError(f"{engine} is not installed here")
        yield

    monkeypatch.setattr(live, "open_shop", absent)


def test_a_job_runs_in_memory(told):
    """With the package's queue in a simulation, whose lease brings the order of the dead worker
    back.
    """
    run = LiveOrRecorded(told.append).run("memory", checkout)
    assert run.verdict == "3 sent: 3 done, 0 dead, 0 waiting."
    charges = [(r.time, r.detail) for r in run.trace.records if r.event == "effect"]
    assert [(round(time, 2), order) for time, order in charges] == [
        (0.3, "order-1"),
        (0.3, "order-2"),
        (0.6, "order-3"),
        (2.3, "order-2"),
    ]
    assert told == ["live: memory"]


def test_an_answer_is_the_same_from_a_file(told):
    """A live answer has the types that JSON has: lists, no tuples."""
    assert LiveOrRecorded(told.append).ask("memory", counted) == [1, "sent"]


@pytest.mark.usefixtures("recorded")
def test_without_an_engine_the_recorded_run_is_returned(told):
    """With its records, its totals and its verdict; the line says when it was recorded and why."""
    run = LiveOrRecorded(told.append).run("redis", checkout)
    assert run.verdict == "3 sent: 3 done, 0 dead, 0 waiting."
    assert run.totals == {"sent": 3, "done": 3, "dead": 0}
    assert run.deliveries()["message_id"].tolist() == ["order-1", "order-2", "order-3", "order-2"]
    assert told == ["recorded on 2026-11-30: Valkey 9.1.2 (redis is not installed here)"]


@pytest.mark.usefixtures("recorded")
def test_a_recorded_answer_is_found_by_its_options(told):
    """Another setting of the server is another experiment."""
    engines = LiveOrRecorded(told.append)
    assert engines.ask("redis", counted, appendfsync="no") == [1, "sent"]
    assert told == [
        "recorded on 2026-11-30: Valkey 9.1.2 appendfsync no (redis is not installed here)"
    ]
    with pytest.raises(LookupError, match="job must be one that was recorded on redis"):
        engines.ask("redis", counted, appendfsync="always")


def test_an_error_of_the_job_is_not_hidden(told):
    """An engine that is there and fails is no reason to show a recorded result."""

    def refused(shop):
        raise EngineError("the server has gone")

    with pytest.raises(EngineError, match="the server has gone"):
        LiveOrRecorded(told.append).run("memory", refused)


def test_an_unknown_engine_is_refused(told):
    """The error lists those that there are."""
    with pytest.raises(ValueError, match="engine must be one of 'memory', 'redis', 'rabbitmq'"):
        LiveOrRecorded(told.append).run("nats", checkout)


def test_a_run_survives_the_file():
    """Records that went through JSON make the same tables."""
    with open_shop("memory") as shop:
        made = live_result(shop, checkout)["run"]
    again = json.loads(json.dumps(made))
    assert as_run(again).jobs().equals(as_run(made).jobs())
