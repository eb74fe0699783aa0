"""Request and reply over two queues."""

from __future__ import annotations

import pytest

from mqlearn import (
    Message,
    MessageProcessor,
    Requester,
    Simulation,
    TopicBasedMessageBroker,
    replying,
)


def office(sim: Simulation, workers: int = 2) -> TopicBasedMessageBroker:
    """A price desk that takes as long as the question says, and answers with twice its number."""
    broker = TopicBasedMessageBroker(runtime=sim)
    broker.create_topic("price")

    def answer(message: Message) -> dict[str, int]:
        sim.sleep(message.body.get("seconds", 1.0))
        return {"price": 2 * message.body["number"]}

    processor = MessageProcessor(broker.topics["price"])
    processor.register_processor("default", replying(broker, answer))
    processor.start_workers(workers)
    return broker


def test_each_of_many_who_ask_at_once_gets_the_answer_to_its_own_question(sim: Simulation) -> None:
    """Answers overtake each other and find their asker by the causation id; the conversation's id
    is handed on.
    """
    requester, answers = Requester(office(sim), "prices"), {}

    def ask(number: int) -> None:
        question = Message(
            id=f"q{number}",
            body={"number": number, "seconds": 10.0 - number},
            headers={"correlation_id": "one conversation"},
        )
        answers[number] = requester.ask("price", question)

    for number in range(6):
        sim.spawn(ask, number)
    sim.run()
    assert {number: answer.body["price"] for number, answer in answers.items()} == {
        n: 2 * n for n in range(6)
    }
    assert {answer.correlation_id for answer in answers.values()} == {"one conversation"}
    assert [answers[n].causation_id for n in range(6)] == [f"q{n}" for n in range(6)]
    assert requester.late == 0


def test_an_answer_that_comes_too_late_or_twice_is_counted_and_ignored(sim: Simulation) -> None:
    """The asker gives up at its timeout; the answer that comes after it, or again, reaches
    nobody.
    """
    broker = office(sim)
    requester = Requester(broker, "prices")
    assert requester.ask("price", Message(body={"number": 1, "seconds": 5.0}), timeout=2.0) is None
    assert sim.now == 2.0
    sim.run()
    assert requester.late == 1
    answer = requester.ask("price", Message(body={"number": 4}), timeout=2.0)
    assert answer is not None and answer.body == {"price": 8}
    broker.publish("prices", answer)
    broker.publish("prices", Message())
    sim.run()
    assert requester.late == 3


def test_a_question_without_room_or_return_address_is_told_so(sim: Simulation) -> None:
    """No room: None at once. No header `reply_to`: a dead letter that says so, and no retry."""
    broker = office(sim, workers=1)
    broker.create_topic("full", max_size=1)
    broker.publish("full", Message())
    requester = Requester(broker, "prices")
    assert requester.ask("full", Message()) is None and sim.now == 0.0
    broker.publish("price", Message(body={"number": 1}))
    sim.run()
    (letter,) = broker.topics["price"].get_dead_letter_messages()
    assert (
        letter.headers["dead_letter_reason"]
        == "no address to reply to: the request has no header reply_to"
    )


def test_one_message_is_not_asked_twice_at_once(sim: Simulation) -> None:
    """The second asker is told so and the first gets its answer; after that it may be asked
    again.
    """
    requester, question, answers = (
        Requester(office(sim), "prices"),
        Message(id="q", body={"number": 3}),
        [],
    )
    sim.spawn(lambda: answers.append(requester.ask("price", question)))

    def again() -> None:
        with pytest.raises(
            ValueError, match="message must not be one that is being asked, got the id 'q' again"
        ):
            requester.ask("price", question)

    sim.spawn(again).join()
    sim.run()
    answers.append(requester.ask("price", question))
    assert [answer.body["price"] for answer in answers if answer] == [6, 6]
    assert requester.late == 0
