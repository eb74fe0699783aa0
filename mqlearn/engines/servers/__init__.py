"""Genuine servers on this machine: started in a temporary folder, on loopback, and ended again."""

from __future__ import annotations

import importlib
import importlib.util
import os
from typing import Any

from mqlearn.engines.errors import EngineError
from mqlearn.engines.servers.given import GivenServer
from mqlearn.engines.servers.local_server import LocalServer
from mqlearn.runtime import check

# engine -> the class in the module of the same name
SERVERS = {
    "redis": "RedisServer",
    "rabbitmq": "RabbitMQServer",
    "kafka": "KafkaServer",
    "sqs": "SQSServer",
    "pulsar": "PulsarServer",
}
SWITCH = "MQLEARN_ENGINES"  # "off": no engine is used, whether installed or not
# engine -> the libraries that find its processes, and that ask whether it is ready
NEEDED = {
    "redis": ("psutil",),
    "rabbitmq": ("psutil", "pika"),
    "kafka": ("psutil", "confluent_kafka"),
    "sqs": ("psutil",),
    "pulsar": ("psutil",),
}

__all__ = ["SERVERS", "GivenServer", "LocalServer", "local", "url_variable", "why_not"]


def local(name: str, **options: Any) -> LocalServer | GivenServer:
    """Return a server of the engine `name`; `with` starts it, gives its URL, and ends it.

        with local("redis") as url:
            ...

    If the environment variable MQLEARN_REDIS_URL is set (or that of another engine), that server
    is used instead; MQLEARN_ENGINES=off switches all engines off. Options: `folder`, where it
    keeps its data instead of a temporary folder; `appendfsync` for redis; `heap` (MB) for kafka,
    sqs and pulsar. Raises EngineError if what the server needs is not installed.
    """
    check.one_of("name", name, SERVERS)
    _refuse_if_off()
    variable = url_variable(name)
    if url := os.environ.get(variable):
        if options:
            raise EngineError(
                f"{variable} is set, so the server is not ours and cannot be given "
                f"{', '.join(options)}; unset it and we start one"
            )
        return GivenServer(name, url, variable)
    _need_libraries(name)
    return server_class(name)(**options)


def why_not(name: str) -> str:
    """Return in one line why `local(name)` cannot give a server here; "" if it can."""
    check.one_of("name", name, SERVERS)
    try:
        _refuse_if_off()
        if os.environ.get(url_variable(name)):
            return ""
        _need_libraries(name)
        server_class(name).find()
    except EngineError as error:
        return str(error)
    return ""


def server_class(name: str) -> type[LocalServer]:
    """Return the class of an engine's servers; its module is imported only here."""
    module = importlib.import_module(f"mqlearn.engines.servers.{name}")
    found: type[LocalServer] = getattr(module, SERVERS[name])
    return found


def _refuse_if_off() -> None:
    if os.environ.get(SWITCH) == "off":
        raise EngineError(f"engines are switched off here: {SWITCH}=off")


def _need_libraries(name: str) -> None:
    for library in NEEDED[name]:
        if importlib.util.find_spec(library) is None:
            raise EngineError(
                f"a local server of {name} needs the library {library}: "
                f"run `pip install 'mqlearn[{name}]'`, or `make engines`"
            )


def url_variable(name: str) -> str:
    """Return the environment variable that holds the address of an engine's server."""
    return f"MQLEARN_{name.upper()}_URL"
