"""Shards: several queues in the place of one, each with its own workers, and a router that sends
each message to one of them by its key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache

from mqlearn.messaging.memory import InMemoryMessageQueue
from mqlearn.messaging.message import Message
from mqlearn.runtime import check

KEYS = 10_000  # keys whose shards are remembered


def shards_of(key: str, shards: int, per_key: int = 1) -> tuple[int, ...]:
    """Return the `per_key` shards of `key`, each from 0 to `shards` − 1, by rendezvous hashing.

    Each shard gets the score hash(shard, key), and the shards with the highest scores are the
    key's. It is the same in every process. If a shard is added, only the keys that it wins move to
    it: 1 of n, where hash(key) % n would move nearly all.

    Source: Thaler and Ravishankar, "Using name-based mappings to increase hit rates", 1998.
    """
    check.instance("key", key, str)
    shards = check.whole("shards", shards, low=1)
    return _ranked(key, shards)[: check.whole("per_key", per_key, low=1, high=shards)]


@lru_cache(KEYS)
def _ranked(key: str, shards: int) -> tuple[int, ...]:
    """All shards, the one with the highest score first."""

    def score(shard: int) -> bytes:
        # a key may hold half of a surrogate pair, which plain UTF-8 refuses
        text = f"{shard}|{key}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, digest_size=8).digest()

    return tuple(sorted(range(shards), key=score, reverse=True))


class ShardRouter:
    """Sends each message to one of several queues (`shards`), by the key that `key(message)`
    returns, such as its tenant.

    With `per_key=1` a key has one shard, so its order is kept, and a noisy key delays all others
    there. With 2 it is *shuffle sharding*: a message goes to the shorter of its key's two shards,
    and only the few keys that have both shards in common with a noisy one suffer, 1 of n(n−1)/2 for
    n shards. Workers are attached to each shard on its own.

    Source: C. MacCárthaigh, "Workload isolation using shuffle-sharding", AWS Builders' Library.
    """

    def __init__(
        self,
        shards: Sequence[InMemoryMessageQueue],
        key: Callable[[Message], str],
        *,
        per_key: int = 1,
    ) -> None:
        check.instance("shards", shards, (list, tuple))
        for shard in shards:
            check.instance("shards", shard, InMemoryMessageQueue)
        if not shards:
            raise ValueError(f"shards must have at least one queue, got {check.short_repr(shards)}")
        check.function("key", key)
        self.shards, self.key = list(shards), key
        self.per_key = check.whole("per_key", per_key, low=1, high=len(shards))

    def send(self, message: Message, *, delay: float = 0.0, timeout: float | None = None) -> bool:
        """Send a message to the shorter of its key's shards, as `send` of that queue does; `delay`
        and `timeout` are in seconds.
        """
        return self.shard_for(message).send(message, delay=delay, timeout=timeout)

    def shard_for(self, message: Message) -> InMemoryMessageQueue:
        """Return the queue that this message would go to now."""
        check.instance("message", message, Message)
        numbers = shards_of(self.key(message), len(self.shards), self.per_key)
        return min((self.shards[number] for number in numbers), key=_depth)


def _depth(queue: InMemoryMessageQueue) -> int:
    """Messages ahead of a new one. Those in flight count as well: they keep the workers busy."""
    return queue.size() + queue.get_in_flight_count()
