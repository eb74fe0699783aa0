"""Where each promise of the core is kept: what naive queues get wrong, and what both clocks owe,
with their tests.
"""

import ast

import pytest

from tests.house.source import ROOT, tree

# Behaviour -> the tests that hold it, as file below tests/ and function.
PROMISES: dict[str, list[str]] = {
    # What a queue written in an afternoon gets wrong.
    "the highest priority is served first, equals in the order of sending": [
        "messaging/test_queue.py::test_the_highest_priority_goes_first_and_equals_in_the_order_of_sending"
    ],
    "receive(timeout=0) is a poll that does not block": [
        "messaging/test_queue.py::test_a_poll_of_an_empty_queue_answers_at_once",
        "runtime/test_virtual_time.py::test_a_poll_lets_others_run_first",
    ],
    "any number of expired messages costs one loop and one deadline; each is a dead letter that "
    "says so": ["messaging/test_queue.py::test_many_expired_messages_cost_one_timeout"],
    "the message of a worker that dies is redelivered and charged; the late ack of a lost lease is "
    "refused": [
        "messaging/test_queue.py::test_a_lost_lease_returns_the_message_and_refuses_the_late_ack",
        "messaging/test_processor.py::test_a_crash_made_elsewhere_settles_nothing_either",
        "runtime/test_threads.py::test_a_worker_that_crashes_is_restarted_and_its_message_comes_back",
    ],
    "a nack keeps the order and is bounded; with a policy it is delayed by backoff": [
        "messaging/test_queue.py::test_a_nack_without_a_policy_keeps_the_order_and_is_bounded",
        "messaging/test_queue.py::test_a_policy_delays_the_retry_to_its_own_instant",
        "messaging/test_lives.py::test_what_is_in_flight_comes_back_to_its_old_place_through_a_purge",
    ],
    "a dead letter tells the true reason": [
        "messaging/test_queue.py::test_the_reason_of_a_dead_letter_is_the_true_one",
        "messaging/test_machine.py::test_long_random_walks_agree_with_the_model",
    ],
    "a full queue refuses, blocks or drops as told, counted and traced": [
        "messaging/test_queue.py::test_a_full_queue_refuses_blocks_or_drops_as_told_and_says_so",
        "messaging/test_lives.py::test_a_full_queue_that_blocks_lets_its_senders_in_as_room_comes",
    ],
    "counters are exact under load": [
        "messaging/test_metrics_live.py::test_sixteen_thousand_messages_on_sixteen_threads_are_counted_exactly",
        "messaging/test_live.py::test_fifty_thousand_messages_with_crashes_and_stale_settles_each_end_once",
    ],
    "a message of a type that nobody handles is dead at once, no retry burnt": [
        "messaging/test_lives.py::test_an_unknown_type_is_dead_at_once_and_costs_no_retry"
    ],
    "a stopped batch is flushed or returned, its time counts from its first message, and a result "
    "list of the wrong "
    "length acks nothing": [
        "messaging/test_batch.py::test_a_stopped_batch_is_flushed_or_returned",
        "messaging/test_batch.py::test_a_batch_goes_when_it_is_full_or_its_first_message_has_waited",
        "messaging/test_batch.py::test_an_answer_that_cannot_be_matched_acks_nothing_and_says_so",
        "units/batching/test_naive.py::test_a_stopped_loop_leaves_its_batch_in_flight",
        "units/batching/test_naive.py::test_a_time_since_the_batch_before_sends_one_alone_and_holds_the_rest",
        "units/batching/test_naive.py::test_a_result_list_of_the_wrong_length_acks_by_accident",
        "chaos/test_chaos.py::test_hundreds_of_random_days_keep_every_rule",
    ],
    "a group's partitions are divided among its members, and dealt out anew when one joins, leaves "
    "or dies": [
        "streaming/test_event_processor.py::test_each_event_once_per_group_with_any_number_of_workers",
        "streaming/test_event_processor.py::test_producers_do_not_wait_for_handlers",
        "streaming/test_groups.py::test_a_silent_member_is_gone_when_its_session_ends",
        "streaming/test_groups.py::test_a_member_that_leaves_hands_over_at_once",
    ],
    "whatever happens to a group, its log loses, doubles and reorders nothing, and a zombie's "
    "commit is refused": [
        "streaming/test_histories.py::test_random_histories_keep_every_rule",
        "streaming/test_histories.py::test_a_faulty_coordinator_is_caught",
        "streaming/test_groups.py::test_a_zombies_commit_is_fenced_and_the_offset_stays",
    ],
    "a stream's workers are counted exactly": [
        "streaming/test_event_processor.py::test_on_real_threads_each_event_is_done_once_and_counted_exactly"
    ],
    "while a breaker is open nothing is taken and no retry is spent": [
        "messaging/test_breaker_processor.py::test_nothing_is_taken_while_it_is_open_though_messages_come",
        "messaging/test_breaker_processor.py::test_one_message_at_a_time_answers_true_false_and_at_once",
        "units/circuit_breaker/test_scenario.py::test_an_open_breaker_that_nacks_kills_what_was_never_tried",
        "chaos/test_chaos.py::test_hundreds_of_random_days_keep_every_rule",
    ],
    "a breaker counts failures in a row, and half-open it admits its probes and no more": [
        "messaging/test_breaker.py::test_scattered_failures_open_nothing",
        "units/circuit_breaker/test_scenario.py::test_a_breaker_that_counts_for_ever_is_open_for_most_of_a_good_day",
        "messaging/test_breaker_live.py::test_half_open_never_admits_more_than_its_probes_to_sixteen_threads",
        "messaging/test_breaker_live.py::test_sixteen_real_threads_take_one_probe",
    ],
    "durations are measured with a clock that nobody can set": [
        "runtime/test_threads.py::test_the_clock_starts_at_the_epoch_and_ignores_whoever_sets_it"
    ],
    "`<` on messages and each status mean one thing": [
        "messaging/test_lives.py::test_before_means_served_before",
        "messaging/test_lives.py::test_each_status_is_a_state_that_a_reader_can_see",
    ],
    "a monitored pool has metrics and counts of its own, and every number is the trace's": [
        "messaging/test_metrics.py::test_a_monitored_pool_keeps_its_own_counts_beside_the_metrics",
        "chaos/test_chaos.py::test_hundreds_of_random_days_keep_every_rule",
        "chaos/test_chaos.py::test_a_fault_on_purpose_is_caught",
    ],
    "a duplicate of work that is going on is released, one of work that is done is answered; a "
    "claim ends with its "
    "lease": [
        "messaging/test_idempotency.py::test_a_duplicate_of_work_that_is_going_on_is_put_off_and_later_answered",
        "messaging/test_idempotency.py::test_a_claim_ends_with_the_lease_of_the_dead_not_before",
        "messaging/test_idempotency.py::test_the_key_is_the_business_key",
        "messaging/test_idempotency_window.py::test_by_default_a_result_outlasts_every_delivery_that_may_still_come",
        "messaging/test_idempotency_mutants.py::test_a_broken_promise_is_caught",
    ],
    "what an unsure producer sends again is in the queue once": [
        "messaging/test_deduplication.py::test_a_producer_without_confirm_sends_again_and_the_message_is_in_once"
    ],
    "a schema version that nobody reads is dead at once and says so": [
        "messaging/test_envelope.py::test_a_version_that_nobody_reads_is_dead_at_once_and_says_so"
    ],
    "a consumer that waits keeps nobody from publishing": [
        "messaging/test_broker.py::test_a_consumer_that_waits_holds_up_nobody"
    ],
    "each subscription has its own queue, and a topic that only has subscribers does not grow": [
        "messaging/test_broker.py::test_a_topic_that_only_has_subscribers_does_not_grow",
        "messaging/test_broker.py::test_a_work_queue_beside_subscribers_is_fed_by_the_rule",
    ],
    "a subscription is delivered in order, retried and dead-lettered for itself alone, and slow "
    "for itself alone": [
        "messaging/test_broker.py::test_a_slow_or_failing_subscriber_harms_only_itself",
        "messaging/test_broker.py::test_the_order_is_kept_unless_retries_are_delayed",
        "messaging/test_broker_days.py::test_forty_days_tell_everybody_what_they_are_owed_and_in_order",
        "messaging/test_broker_days.py::test_many_publishers_on_real_threads_are_heard_by_all_in_one_order",
    ],
    "a place that is free in a full queue goes to the sender that has waited longest": [
        "messaging/test_room.py::test_ten_senders_of_a_full_queue_get_in_in_turn",
        "messaging/test_two_stages.py::test_blocking_on_both_queues_slows_the_producer_to_the_slowest_stage",
    ],
    "a pool that shrinks cancels those that start, then the idle go, then the busy after their "
    "job; each is paid from its order to its end": [
        "messaging/test_scaling.py::test_the_starting_go_first_then_the_idle_then_the_busy",
        "messaging/test_scaling_days.py::test_whatever_an_operator_orders_the_numbers_add_up",
        "chaos/test_chaos.py::test_a_fault_on_purpose_is_caught",
    ],
    "an autoscaler tells its rule what is seen, and scales to the answer within its limits": [
        "messaging/test_autoscaler.py::test_it_sees_what_waits_what_works_and_what_came_since_the_last_look",
        "messaging/test_autoscaler.py::test_the_answer_is_rounded_up_and_kept_between_the_limits",
    ],
    "the newest goes first where the queue says so, and nothing is lost": [
        "messaging/test_newest_first.py::test_random_walks_agree_with_the_model"
    ],
    "no window has more messages of a tenant than its burst and rate allow": [
        "messaging/test_rate_limit.py::test_no_window_has_more_than_burst_plus_rate_times_its_length",
        "messaging/test_rate_limit.py::test_a_tenant_with_a_full_bucket_is_forgotten",
    ],
    "one more shard moves only the keys that it wins": [
        "messaging/test_shards.py::test_a_fifth_shard_takes_a_fifth_of_the_keys_and_moves_no_other"
    ],
    "a key lands where a real Kafka puts it, in every process": [
        "streaming/test_partitioner.py::test_it_agrees_with_the_vectors_of_kafkas_java_client",
        "streaming/test_partitioner.py::test_it_agrees_with_the_vectors_of_librdkafka",
        "streaming/test_stream.py::test_a_key_lands_in_the_same_partition_in_every_process",
    ],
    "no producer waits for a reader's handler": [
        "streaming/test_stream.py::test_producers_do_not_wait_for_a_readers_handler",
        "units/event_streams/test_scenario.py::test_a_lock_held_across_a_yield_makes_producers_wait",
    ],
    "a group can go back, and history leaves no trace on any": [
        "streaming/test_stream.py::test_a_replay_goes_back_and_reading_history_moves_no_group",
        "streaming/test_stream_model.py::test_random_histories_agree_with_the_model",
    ],
    "three retries are four tries": ["messaging/test_lives.py::test_three_retries_are_four_tries"],
    "an order is rebuilt alike however often it is asked for, and a question disturbs nobody": [
        "streaming/test_event_store.py::test_a_rebuild_gives_the_same_answer_every_time",
        "streaming/test_event_store.py::test_a_question_touches_no_group",
        "streaming/test_event_store.py::test_the_course_texts_example_rebuilds_the_shipped_order",
    ],
    "who decided on an order as it no longer is, is refused": [
        "streaming/test_event_store.py::test_of_two_clerks_who_saw_the_same_order_the_second_is_refused",
        "streaming/test_event_store.py::test_eight_threads_that_expect_a_version_append_one_event_for_each",
    ],
    "a projection is rebuilt beside the old one, and no mail is sent again": [
        "streaming/test_projection.py::test_a_mended_one_is_rebuilt_beside_the_old_which_answers_meanwhile",
        "streaming/test_projection.py::test_a_rebuild_sends_no_mail_where_mails_are_a_group_of_their_own",
    ],
    "the state and its event are both there or neither; a relay publishes at least once": [
        "streaming/test_outbox.py::test_two_writes_tear_in_either_order_and_one_transaction_does_not",
        "streaming/test_outbox.py::test_a_relay_that_dies_after_publishing_publishes_that_one_again",
        "units/event_sourcing/test_scenario.py::test_a_crash_between_two_writes_tears_one_change_in_ten",
    ],
    "what a durable stream acknowledged is there after kill -9, in a whole prefix": [
        "streaming/test_durable.py::"
        "test_a_process_killed_while_appending_leaves_a_whole_prefix_with_all_it_acknowledged",
        "streaming/test_durable.py::test_commits_are_synced",
    ],
    "a message is judged at its deadline, done or not; an alert fires after its whole hold, and "
    "its pages are in the trace": [
        "messaging/test_service_level.py::test_an_order_is_judged_when_its_deadline_has_passed_done_or_not",
        "messaging/test_alerts.py::test_a_hold_wants_every_sample_of_its_time",
        "messaging/test_sampler.py::test_a_page_is_recorded_when_an_alert_begins_to_fire_and_when_it_ends",
        "chaos/test_chaos.py::test_hundreds_of_random_days_keep_every_rule",
    ],
    "percentiles of several queues come from their histograms, added": [
        "messaging/test_histogram.py::test_the_percentile_of_the_sum_is_in_the_bucket_of_the_true_one"
    ],
    "what a replicated log has acknowledged to acks all survives any minority, and a log that "
    "breaks this is caught": [
        "replication/test_chaos.py::test_a_hundred_random_days_keep_every_rule",
        "replication/test_chaos.py::test_five_replicas_keep_every_rule_too",
        "replication/test_chaos.py::test_a_log_that_is_broken_on_purpose_is_caught",
        "replication/test_background.py::"
        "test_on_real_threads_a_leader_dies_and_what_was_acknowledged_is_kept",
    ],
    "of what was acknowledged to acks 1 each loss is found, and the books close": [
        "replication/test_chaos.py::test_with_acks_1_values_are_lost_and_each_is_found",
        "replication/test_books.py::test_each_promise_is_kept_or_lost",
        "replication/test_books.py::test_an_entry_that_is_dropped_without_a_word_is_found",
    ],
    "an old leader is fenced by the epoch, and its history ends when it hears of it": [
        "replication/test_log.py::"
        "test_a_leader_that_is_cut_off_leads_on_until_it_hears_of_a_newer_epoch"
    ],
    # What both clocks owe.
    "after run(until=t) it is t, and what was due at t has happened": [
        "runtime/test_simulation.py::test_a_run_until_includes_what_is_due_at_that_instant"
    ],
    "equal times run in the order in which they were scheduled": [
        "runtime/test_virtual_time.py::test_equal_times_come_in_the_order_of_scheduling",
        "runtime/test_simpy_oracle.py::test_random_programs_run_as_on_simpy",
    ],
    "a cancelled timer never moves the clock": [
        "runtime/test_virtual_time.py::test_a_cancelled_timer_does_not_move_the_clock"
    ],
    "run() inside a task raises": ["runtime/test_virtual_time.py::test_a_run_inside_a_task_raises"],
    "a run ends with the last message, parked workers or not; timers count, daemons do not": [
        "runtime/test_simulation.py::test_an_idle_pool_ends_the_run",
        "runtime/test_virtual_time.py::test_timers_always_count_and_daemons_never",
    ],
    "a blocking call from the notebook's cell lets time pass until it is answered": [
        "runtime/test_virtual_time.py::test_a_call_from_the_cell_lets_time_pass_until_it_is_answered"
    ],
    "nothing hangs: idle loops, waits without end and deadlocks raise and name the tasks": [
        "runtime/test_simulation.py::test_a_polling_loop_is_ended_and_named",
        "runtime/test_simulation.py::test_a_wait_that_nothing_can_end_and_a_deadlock_raise",
        "runtime/test_virtual_time.py::test_endless_idling_is_ended_but_not_within_a_time_that_passes",
    ],
    "workers that wait are woken, not polled": [
        "runtime/test_threads.py::test_parked_workers_stop_without_a_timeout"
    ],
    "a bug reaches run() with its own frames; a handler's failure is a nack; an interrupt reaches "
    "the cell": [
        "runtime/test_simulation.py::test_a_bug_surfaces_with_its_own_frames_and_a_join_reraises",
        "runtime/test_virtual_time.py::test_a_handlers_failure_is_a_nack_and_the_machinerys_comes_out",
        "runtime/test_virtual_time.py::test_a_keyboard_interrupt_reaches_the_cell",
    ],
    "the same seed gives the same trace in any process, under any hash seed": [
        "runtime/test_determinism.py::test_another_process_with_another_hash_seed_records_the_same",
        "runtime/test_threads.py::test_both_clocks_draw_alike",
    ],
    "a simulation belongs to the thread that made it": [
        "runtime/test_simulation.py::test_another_thread_is_refused",
        "runtime/test_virtual_time.py::test_another_thread_is_told_whose_simulation_it_is",
    ],
    "closing freezes the trace, then unwinds each task a bounded number of times": [
        "messaging/test_processor.py::test_closing_freezes_the_trace_before_tasks_are_unwound",
        "runtime/test_simulation.py::test_closing_unwinds_every_task_even_one_that_will_not_end",
    ],
    "memory is flat over ten thousand runs": [
        "runtime/test_memory.py::test_ten_thousand_closed_simulations_leave_memory_flat"
    ],
    "the lock excludes, also among simulated tasks": [
        "runtime/test_virtual_time.py::test_the_lock_excludes_among_simulated_tasks"
    ],
    "one simulation's primitives are refused by another": [
        "runtime/test_virtual_time.py::test_a_task_may_not_use_another_simulation",
        "runtime/test_virtual_time.py::test_a_lock_of_one_is_no_lock_of_another",
    ],
    "real time has one timer thread, from the first timer on, and it keeps no queue alive": [
        "runtime/test_threads.py::test_the_timer_thread_starts_with_the_first_timer_and_there_is_one",
        "runtime/test_threads.py::test_a_timer_keeps_no_queue_alive",
    ],
    "one pool starts, stops, restarts workers": [
        "runtime/test_virtual_time.py::test_a_crashed_worker_is_back_after_its_time",
        "messaging/test_processor.py::test_a_stopping_pool_gives_back_what_it_holds_and_can_start_again",
    ],
    "no thread, clock or dice outside the runtime": [
        "house/test_files.py::test_time_and_chance_are_passed_in"
    ],
    "one code runs on both clocks and ends alike": [
        "messaging/test_processor.py::test_one_code_gives_the_same_totals_on_both_clocks",
        "messaging/test_two_clocks.py::test_a_rough_shop_ends_alike_on_both_clocks",
    ],
    # What must hold whatever is called.
    "whatever is called in whatever order, the queue agrees with its model and its books close": [
        "messaging/test_machine.py::test_long_random_walks_agree_with_the_model",
        "messaging/test_mutants.py::test_a_faulty_queue_is_caught",
        "messaging/test_mutants.py::test_the_books_alone_catch_a_loss_in_each_place",
    ],
    "whatever goes wrong on a random day, books close; leases, retries, probes and claims keep "
    "their rules; and a "
    "fault put in on purpose is seen": [
        "chaos/test_chaos.py::test_hundreds_of_random_days_keep_every_rule",
        "chaos/test_chaos.py::test_a_fault_on_purpose_is_caught",
        "chaos/test_chaos.py::test_a_broken_day_is_told_with_its_records_and_one_line_to_see_it_again",
    ],
    "every public parameter refuses what it cannot use": [
        "house/test_bad_input.py::test_a_parameter_refuses_what_it_cannot_use",
        "lab/test_lab_input.py::test_a_wrong_value_is_refused_by_name",
    ],
}


@pytest.mark.parametrize(("promise", "tests"), PROMISES.items(), ids=PROMISES)
def test_a_promise_has_its_tests(promise: str, tests: list[str]) -> None:
    """Each test that is named here exists."""
    for test in tests:
        file, _, function = test.partition("::")
        path = ROOT / "tests" / file
        assert path.is_file(), f"{promise}: there is no tests/{file}"
        named = {node.name for node in tree(path).body if isinstance(node, ast.FunctionDef)}
        assert function in named, f"{promise}: there is no {function} in tests/{file}"
