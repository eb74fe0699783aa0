"""Unit 01, messages and queues: the names that its notebook and its solutions import."""

from mqlearn.units.messages_and_queues.by_hand import burst, run_workers
from mqlearn.units.messages_and_queues.choose import check_choose
from mqlearn.units.messages_and_queues.reply_to import check_reply_to
from mqlearn.units.messages_and_queues.scenario import PriorityMix
from mqlearn.units.messages_and_queues.sort_key import check_sort_key

__all__ = [
    "PriorityMix",
    "burst",
    "run_workers",
    "check_sort_key",
    "check_reply_to",
    "check_choose",
]
