"""Queues: messages, queues, retries, processors and their scaling, a breaker and a broker."""
