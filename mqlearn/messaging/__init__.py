"""What is taught about queues: messages, queues, retries, processors."""
