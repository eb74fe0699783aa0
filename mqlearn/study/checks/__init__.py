"""The checks of the exercises: each takes a student's function and answers in a sentence.

- 01 messages and queues: `check_sort_key`, `check_reply_to`, `check_choose`
- 02 work queues: `check_little`, `check_fewest_clerks`, `check_prefetch`
- 03 delivery guarantees: `check_work`, `check_first_time`, `check_handle`
- 04 retries and dead letters: `check_delay`, `check_triage`, `check_next_rate`
- 05 circuit breaker: `check_cooldown`, `check_gate`, `check_window`
- 06 batching: `check_plan`, `check_settle`, `check_deliver`
- 07 publish and subscribe: `check_fan_out`, `check_matches`, `check_apply`
- 08 event streams: `check_key`, `check_poll`, `check_first_swap`
- 09 consumer groups: `check_step_group`, `check_step_db`, `check_assign`
- 10 event sourcing: `check_evolve`, `check_upcast`, `check_relay`
"""

from mqlearn.study.checks.admitting import check_gate
from mqlearn.study.checks.applying import check_apply
from mqlearn.study.checks.assigning import check_assign
from mqlearn.study.checks.choosing import check_choose
from mqlearn.study.checks.clerks import check_fewest_clerks
from mqlearn.study.checks.cooling import check_cooldown
from mqlearn.study.checks.counting import check_little
from mqlearn.study.checks.delays import check_delay
from mqlearn.study.checks.delivering import check_deliver
from mqlearn.study.checks.envelopes import check_reply_to
from mqlearn.study.checks.fanning import check_fan_out
from mqlearn.study.checks.folding import check_evolve
from mqlearn.study.checks.handling import check_handle
from mqlearn.study.checks.hoarding import check_prefetch
from mqlearn.study.checks.keying import check_key
from mqlearn.study.checks.letters import check_triage
from mqlearn.study.checks.matching import check_matches
from mqlearn.study.checks.opening import check_upcast
from mqlearn.study.checks.ordering import check_sort_key
from mqlearn.study.checks.planning import check_plan
from mqlearn.study.checks.polling import check_poll
from mqlearn.study.checks.redriving import check_next_rate
from mqlearn.study.checks.relaying import check_relay
from mqlearn.study.checks.remembering import check_first_time
from mqlearn.study.checks.settling import check_settle
from mqlearn.study.checks.sharing import check_step_db, check_step_group
from mqlearn.study.checks.swapping import check_first_swap
from mqlearn.study.checks.tripping import check_window
from mqlearn.study.checks.working import check_work

__all__ = [
    "check_sort_key",
    "check_reply_to",
    "check_choose",
    "check_little",
    "check_fewest_clerks",
    "check_prefetch",
    "check_work",
    "check_first_time",
    "check_handle",
    "check_delay",
    "check_triage",
    "check_next_rate",
    "check_cooldown",
    "check_gate",
    "check_window",
    "check_plan",
    "check_settle",
    "check_deliver",
    "check_fan_out",
    "check_matches",
    "check_apply",
    "check_key",
    "check_poll",
    "check_first_swap",
    "check_step_group",
    "check_step_db",
    "check_assign",
    "check_evolve",
    "check_upcast",
    "check_relay",
]
