"""Exercise 06.2: each message of a batch is acked or nacked, whatever the call has returned."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from mqlearn.messaging.message import Message
from mqlearn.study.exercise import Answer, Exercise, Mistake, call_answer, short_repr
from mqlearn.study.verdict import Verdict
from mqlearn.study.words import format_count

if TYPE_CHECKING:
    import pandas as pd

BATCHES = 12  # a seed
# Results that are no success. Some are true in an `if`, and 1 == True, so only `is True` is right.
NOT_TRUE = (False, False, False, None, 0, 1, "failed", "ok", "False", [False])
KINDS = (
    "a list",
    "a list",
    "a list",
    "a short list",
    "a long list",
    "none",
    "one for all",
    "an error",
)

Settle = Callable[[list[Message], Any], list[str]]


@dataclass(frozen=True)
class HandledBatch:
    """The messages of a batch, what its handler returned or raised, and which of them succeeded.

    `succeeded` is None where the results cannot be matched with the messages.
    """

    messages: list[Message]
    results: Any
    succeeded: list[bool] | None

    def __str__(self) -> str:
        handler = (
            f"raised {self.results!r}"
            if isinstance(self.results, Exception)
            else f"returned {short_repr(self.results)}"
        )
        return f"{format_count(len(self.messages), 'message')}, the handler {handler}"


def check_settle(settle: Settle) -> Verdict:
    """Grade `settle(batch, results)`, which says "ack" or "nack" for each message of a batch, in
    order.

    `results` is what the batch's handler returned: a list with one result for each message, where
    only True itself is a success. Or it is something that cannot be matched with the messages: a
    list that is too short or too long, None, a single True, or the exception that the handler
    raised. Then every message must be nacked with a reason, such as "nack: 3 results for 10
    messages". For results that can be matched, a reason is optional.

    In each of 100 seeds twelve batches are settled.
    """
    return EXERCISE.grade(settle)


class Settlement(NamedTuple):
    """One batch, the answer that settled it, and True as `spoilt` if the answer has changed its
    arguments.
    """

    batch: HandledBatch
    answer: Answer
    spoilt: bool


class SettleExercise(Exercise[int, list[Settlement]]):
    """The settlement of every message, whatever the handler of its batch has returned."""

    def play(self, answer: Callable[..., Any], case: int) -> list[Settlement]:
        return [
            _settled(answer, batch, own)
            # two equal batches: the answer may change its own, and the other shows that it did
            for batch, own in zip(batches_of(case), batches_of(case), strict=True)
        ]

    def mistakes(self, world: list[Settlement]) -> Iterator[Mistake]:
        for settlement in world:
            batch, answer, spoilt = settlement
            wrong = _wrong(settlement)
            if wrong is None and spoilt:
                wrong = (
                    f"batch and results are not what they were before; {answer}",
                    "look at both, and build a list of your own",
                )
            if wrong is not None:
                said, hint = wrong
                yield Mistake(f"{batch}: {said}", hint, partial(side_by_side, batch, answer))

    def summary(self, worlds: list[list[Settlement]]) -> str:
        batches = [settlement.batch for world in worlds for settlement in world]
        unmatched = sum(batch.succeeded is None for batch in batches)
        return (
            f"{len(batches):,} batches, {sum(len(batch.messages) for batch in batches):,} "
            "messages: acked was what had succeeded, all else nacked; "
            f"{unmatched:,} answers could not be matched, and each nack said why"
        )


EXERCISE = SettleExercise()


def _settled(settle: Callable[..., Any], batch: HandledBatch, own: HandledBatch) -> Settlement:
    """Return the settlement of `own` by `settle`; `batch` is an equal batch that it cannot
    change.
    """
    answer = call_answer(settle, own.messages, own.results)
    # A copy, since some functions return the same list each time, with new contents.
    if type(answer.value) is list:
        answer = Answer(list(answer.value))
    kept = [message.id for message in own.messages] == [message.id for message in batch.messages]
    return Settlement(batch, answer, not kept or repr(own.results) != repr(batch.results))


def _wrong(settlement: Settlement) -> tuple[str, str] | None:
    """Return what is wrong with this settlement and a hint, or None."""
    batch, answer, _ = settlement
    words = answer.value
    if answer.error is not None or not isinstance(words, list) or not all(map(_is_word, words)):
        return (
            f'expected a list of "ack" and "nack", {answer}',
            "one for each message of the batch, in its order",
        )
    if len(words) != len(batch.messages):
        return (
            f"{len(words)} answers; {answer}",
            "one for each message of the batch, in its order",
        )
    # A nack may have a reason, so only the acks are compared with the results.
    acked = [word == "ack" for word in words]
    if batch.succeeded is None:
        if any(acked):
            return (
                f"message {acked.index(True) + 1} is acked; {answer}",
                "whose result is it? When that cannot be known, nobody's work may be forgotten",
            )
        if "nack" in words:
            return (
                f"message {words.index('nack') + 1} is nacked without a reason; {answer}",
                'say what was wrong with the answer: "nack: 3 results for 10 messages"',
            )
        return None
    for number, (got, want) in enumerate(zip(acked, batch.succeeded, strict=True), 1):
        if got and not want:
            return f"message {number} is acked; {answer}", "only True itself is a success"
        if want and not got:
            return (
                f"message {number} is nacked; {answer}",
                "it has succeeded: nacked, it would be done again",
            )
    return None


def side_by_side(batch: HandledBatch, answer: Answer) -> pd.DataFrame:
    """Return the table that a replay shows: for each message its result, the right word, and the
    word of the answer.
    """
    import pandas as pd

    results, count = batch.results, len(batch.messages)
    returned = results if isinstance(results, list) else [results] * count
    words = answer.value if isinstance(answer.value, list) else [str(answer)] * count
    should = (
        ["nack: …"] * count
        if batch.succeeded is None
        else ["ack" if each else "nack" for each in batch.succeeded]
    )
    columns = {
        "message": [message.id for message in batch.messages],
        "the handler's result": list(map(short_repr, returned)),
        "should be": should,
        "you said": [each if isinstance(each, str) else short_repr(each) for each in words],
    }
    # Results and answer may be shorter or longer than the batch: the other columns are filled up.
    rows = max(map(len, columns.values()))
    table = pd.DataFrame(
        {name: [*cells, *[""] * (rows - len(cells))] for name, cells in columns.items()}
    )
    return table.set_index("message")


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and (
        value in ("ack", "nack") or (value.startswith("nack: ") and len(value) > 6)
    )


def batches_of(seed: int) -> list[HandledBatch]:
    """Return this seed's batches, new ones at each call."""
    rng = random.Random(f"batches {seed}")
    batches: list[HandledBatch] = []
    first = 1
    for number in range(BATCHES):
        # every kind at least once in each seed, so that no mistake depends on luck
        kind = KINDS[number] if number < len(KINDS) else rng.choice(KINDS)
        count = rng.randint(2, 10)
        batch = [Message(id=f"order-{first + place}") for place in range(count)]
        results = [True if rng.random() < 0.7 else copy(rng.choice(NOT_TRUE)) for _ in batch]
        first += count
        if kind == "a list":
            succeeded = [result is True for result in results]
            batches.append(HandledBatch(batch, results, succeeded))
            continue
        unmatched: dict[str, Any] = {
            "a short list": results[: rng.randrange(count)],
            "a long list": results + [True] * rng.randint(1, 3),
            "none": None,
            "one for all": True,
            "an error": RuntimeError("the service is down"),
        }
        batches.append(HandledBatch(batch, unmatched[kind], None))
    return batches
