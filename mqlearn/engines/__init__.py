"""The same interfaces on genuine engines: Redis, RabbitMQ, Kafka, SQS and Pulsar."""
