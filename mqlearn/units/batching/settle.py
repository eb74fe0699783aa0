"""Exercise 06.2: what becomes of each message of a batch, whatever the call has returned."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from mqlearn.messaging.message import Message
from mqlearn.study.exercise import SEEDS, Answer, Mistake, call_answer, grade, short_repr
from mqlearn.study.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd

BATCHES = 12  # a seed
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


def check_settle(settle: Settle) -> Verdict:
    """Whether `settle(batch, results)` says of each message of a batch, in order, "ack" or "nack".

    `results` is what the batch's handler returned: a list with one result for each message, of
    which only True itself is a success. Or it is something that cannot be matched with the
    messages: a list that is too short or too long, None, a single True, or the exception that the
    handler raised. Then every message is nacked with a reason, in the form "nack: 3 results for 10
    messages"; elsewhere a reason may be there.

    In each of 100 seeds twelve batches are settled.
    """
    messages = [len(batch) for seed in SEEDS for batch, _, _ in batches_of(seed)]
    strange = sum(right is None for seed in SEEDS for *_, right in batches_of(seed))
    return grade(
        mistakes,
        settle,
        lambda: (
            f"{len(messages):,} batches, {sum(messages):,} messages: acked was what had succeeded, "
            "all "
            "else nacked; "
            f"{strange:,} answers could not be matched, and each nack said why"
        ),
    )


def mistakes(settle: Callable[..., Any], seed: int) -> Iterator[Mistake]:
    """The first fault with this seed's batches."""
    for (batch, results, right), (given, results_given, _) in zip(
        batches_of(seed), batches_of(seed), strict=True
    ):
        answer = call_answer(settle, given, results_given)
        scene = f"{len(batch)} message{'s' * (len(batch) > 1)}, the handler {_said(results)}"
        if fault := _judged(answer, right, len(batch), scene):
            yield replace(fault, make_run=partial(side_by_side, batch, results, right, answer))
            return
        if [message.id for message in given] != [message.id for message in batch] or not _same(
            results_given, results
        ):
            yield Mistake(
                f"{scene}: batch and results are not what they were before; {answer}",
                "look at both, and build a list of your own",
                partial(side_by_side, batch, results, right, answer),
            )
            return


def _judged(answer: Answer, right: list[bool] | None, count: int, scene: str) -> Mistake | None:
    """What is wrong with this answer, if `right` says who has succeeded; None: nobody can say."""
    said = answer.value
    if answer.error is not None or not isinstance(said, list) or not all(map(_is_word, said)):
        return Mistake(
            f'{scene}: expected a list of "ack" and "nack", {answer}',
            "one for each message of the batch, in its order",
        )
    if len(said) != count:
        return Mistake(
            f"{scene}: {len(said)} answers; {answer}",
            "one for each message of the batch, in its order",
        )
    acked = [word == "ack" for word in said]
    if right is None:
        if any(acked):
            return Mistake(
                f"{scene}: message {acked.index(True) + 1} is acked; {answer}",
                "whose result is it? When that cannot be known, nobody's work may be forgotten",
            )
        if "nack" in said:
            return Mistake(
                f"{scene}: message {said.index('nack') + 1} is nacked without a reason; {answer}",
                'say what was wrong with the answer: "nack: 3 results for 10 messages"',
            )
        return None
    for number, (got, want) in enumerate(zip(acked, right, strict=True), 1):
        if got and not want:
            return Mistake(
                f"{scene}: message {number} is acked; {answer}", "only True itself is a success"
            )
        if want and not got:
            return Mistake(
                f"{scene}: message {number} is nacked; {answer}",
                "it has succeeded: nacked, it would be done again",
            )
    return None


def side_by_side(
    batch: list[Message], results: Any, right: list[bool] | None, answer: Answer
) -> pd.DataFrame:
    """What is replayed: a row for each message, with its result, what it should come to, and what
    was said.
    """
    import pandas as pd

    returned = results if isinstance(results, list) else [results] * len(batch)
    said = answer.value if isinstance(answer.value, list) else [str(answer)] * len(batch)
    should = (
        ["nack: …"] * len(batch) if right is None else ["ack" if each else "nack" for each in right]
    )
    columns = {
        "message": [message.id for message in batch],
        "the handler's result": list(map(short_repr, returned)),
        "should be": should,
        "you said": [each if isinstance(each, str) else short_repr(each) for each in said],
    }
    rows = max(map(len, columns.values()))
    table = pd.DataFrame(
        {name: [*cells, *[""] * (rows - len(cells))] for name, cells in columns.items()}
    )
    return table.set_index("message")


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and (
        value in ("ack", "nack") or (value.startswith("nack: ") and len(value) > 6)
    )


def _said(results: Any) -> str:
    return (
        f"raised {results!r}"
        if isinstance(results, Exception)
        else f"returned {short_repr(results)}"
    )


def _same(one: Any, other: Any) -> bool:
    return repr(one) == repr(other)


def batches_of(seed: int) -> list[tuple[list[Message], Any, list[bool] | None]]:
    """This seed's batches, made afresh: the messages, what the handler returned, and who has
    succeeded, if known.
    """
    rng = random.Random(f"batches {seed}")
    found: list[tuple[list[Message], Any, list[bool] | None]] = []
    first = 1
    for number in range(BATCHES):
        kind = KINDS[number] if number < len(KINDS) else rng.choice(KINDS)
        count = rng.randint(2, 10)
        batch = [Message(id=f"order-{first + place}") for place in range(count)]
        results = [True if rng.random() < 0.7 else copy(rng.choice(NOT_TRUE)) for _ in batch]
        first += count
        if kind == "a list":
            found.append((batch, results, [result is True for result in results]))
            continue
        strange: dict[str, Any] = {
            "a short list": results[: rng.randrange(count)],
            "a long list": results + [True] * rng.randint(1, 3),
            "none": None,
            "one for all": True,
            "an error": RuntimeError("the service is down"),
        }
        found.append((batch, strange[kind], None))
    return found
