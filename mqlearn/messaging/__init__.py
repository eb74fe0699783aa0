"""Queues: messages, queues, retries, processors, a circuit breaker and a broker."""
