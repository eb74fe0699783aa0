"""Topic names, and patterns for them: words separated by dots, where `*` stands for any one
word.
"""

from __future__ import annotations

from mqlearn.runtime import check


def matches(pattern: str, topic: str) -> bool:
    """Return True if `topic` and `pattern` have the same words in the same order; `*` in a pattern
    stands for exactly one word, whichever it is.

    `orders.*` matches `orders.eu`, but neither `orders` nor `orders.eu.paid`.

    Source: RabbitMQ's topic exchange, which also has `#`, for zero or more words.
    """
    wanted, words = pattern.split("."), topic.split(".")
    # word by word, since `*` in a regular expression or a file pattern would also match dots
    return len(wanted) == len(words) and all(
        want in ("*", word) for want, word in zip(wanted, words, strict=True)
    )


def check_topic(name: str, value: str) -> None:
    """Raise ValueError for a topic with a wildcard: a message published there would reach no
    subscriber.
    """
    check.instance(name, value, str)
    if "*" in value:
        raise ValueError(f"{name} must be a topic, without *, got {check.short_repr(value)}")


def check_pattern(name: str, value: str) -> None:
    """Raise ValueError for a wildcard of another system, such as `#` or `orders*`: it would match
    no topic, and nothing would say so.
    """
    check.instance(name, value, str)
    for word in value.split("."):
        if word == "#" or ("*" in word and word != "*"):
            raise ValueError(
                f"{name} must have * for a whole word and no other wildcard, got "
                f"{check.short_repr(value)}"
            )
