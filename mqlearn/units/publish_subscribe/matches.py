"""Exercise 07.2: which topics a pattern means, in RabbitMQ's words."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from mqlearn.study.exercise import SEEDS, Mistake, call_answer, grade
from mqlearn.study.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd

PAIRS = 20  # a seed
WORDS = ("orders", "order", "eu", "us", "paid", "a", "c++", "jfk")
LONGEST = 5  # words

Matches = Callable[[str, str], bool]


def check_matches(matches: Matches) -> Verdict:
    """Whether `matches(pattern, topic)` is True where the pattern means the topic, in the dialect
    of RabbitMQ.

    Both are words between dots. In a pattern, `*` stands for exactly one word and `#` for any
    number of them, none included; each is a word of its own, and every other word stands for
    itself.

    In 100 seeds 2,000 pairs are compared with what brute force says: to cut off one word after the
    other, in every way.
    """
    pairs = [pair for seed in SEEDS for pair in pairs_of(seed)]
    return grade(
        mistakes,
        matches,
        lambda: (
            f"{len(pairs):,} pairs, {sum(brute_force(*pair) for pair in pairs):,} of them match, "
            "in "
            "the dialect of "
            f"RabbitMQ: `*` is one word, `#` any number of them"
        ),
    )


def mistakes(matches: Callable[..., Any], seed: int) -> Iterator[Mistake]:
    """The first fault with this seed's pairs."""
    for pattern, topic in pairs_of(seed):
        answer = call_answer(matches, pattern, topic)
        right = brute_force(pattern, topic)
        if answer.error is not None or not isinstance(answer.value, bool):
            yield Mistake(
                f"matches({pattern!r}, {topic!r}): expected {right}, {answer}",
                "it is either True or False",
                lambda: mistaken(matches, seed),
            )
            return
        if answer.value != right:
            yield Mistake(
                f"matches({pattern!r}, {topic!r}): expected {right}, {answer}",
                _hint(pattern, topic),
                lambda: mistaken(matches, seed),
            )
            return


def mistaken(matches: Callable[..., Any], seed: int) -> pd.DataFrame:
    """What is replayed: all of this seed's pairs that are answered wrongly."""
    import pandas as pd

    rows = []
    for pattern, topic in pairs_of(seed):
        answer, right = call_answer(matches, pattern, topic), brute_force(pattern, topic)
        if answer.error is not None or answer.value is not right:
            rows.append([pattern, topic, right, str(answer).removeprefix("it ")])
    return pd.DataFrame(rows, columns=["pattern", "topic", "should be", "your function"]).set_index(
        "pattern"
    )


def _hint(pattern: str, topic: str) -> str:
    wanted, words = pattern.split("."), topic.split(".")
    if "#" in wanted:
        return "# is any number of words: none, one, or more, wherever it stands"
    if len(wanted) != len(words):
        return (
            "without # there are as many words as in the pattern: * is one of them, and its dots "
            "count"
        )
    return "* is any one word, and every other word stands for itself, whatever characters it has"


def brute_force(pattern: str, topic: str) -> bool:
    """Whether there is any way to read the topic's words off the pattern's."""
    return _reads(pattern.split("."), topic.split("."))


def _reads(wanted: list[str], words: list[str]) -> bool:
    if not wanted:
        return not words
    if wanted[0] == "#":
        return any(_reads(wanted[1:], words[skipped:]) for skipped in range(len(words) + 1))
    return bool(words) and wanted[0] in ("*", words[0]) and _reads(wanted[1:], words[1:])


def pairs_of(seed: int) -> list[tuple[str, str]]:
    """This seed's pairs: a topic, and a pattern made of it by a few changes, each of which may or
    may not hurt.
    """
    rng = random.Random(f"patterns {seed}")
    return [_pair(rng) for _ in range(PAIRS)]


def _pair(rng: random.Random) -> tuple[str, str]:
    topic = [rng.choice(WORDS) for _ in range(rng.randint(1, LONGEST))]
    pattern = list(topic)
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(pattern) + 1)
        change = rng.choice(("star", "star", "hash", "hash", "swallow", "more", "less", "other"))
        if change == "hash":
            pattern.insert(place, "#")
        elif change == "more":
            pattern.insert(place, rng.choice(("*", *WORDS)))
        elif place < len(pattern) and (change != "less" or len(pattern) > 1):
            new = {"star": ["*"], "swallow": ["#"], "less": [], "other": [rng.choice(WORDS)]}[
                change
            ]
            pattern[place : place + (rng.randint(1, 2) if change == "swallow" else 1)] = new
    return ".".join(pattern), ".".join(topic)
