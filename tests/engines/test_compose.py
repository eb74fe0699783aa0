"""compose.yaml and the servers' own settings say the same: the two cannot drift apart."""

from __future__ import annotations

import re
from string import Template
from typing import Any

import pytest
import yaml

from mqlearn.engines.servers import SERVERS, url_variable
from mqlearn.engines.servers.java import FOLDERS
from mqlearn.engines.servers.redis import RedisServer
from mqlearn.engines.servers.templates import FOLDER
from tests.house.source import ROOT

TEXT = (ROOT / "compose.yaml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
# Settings of Kafka that say where a server is, not how it works.
PLACES = {"listeners", "advertised.listeners", "controller.quorum.bootstrap.servers", "log.dirs"}
# Settings of Pulsar that keep it on loopback, or small: a container does both by itself.
ONLY_HERE = re.compile(r".*(Address|Port|Url|Quorum|EnsembleSize|Threads|Interface|Loopback)$")


def settings(name: str) -> dict[str, str]:
    """The lines `key=value` of a settings file."""
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    pairs = [line.split("=", 1) for line in lines if "=" in line and not line.startswith("#")]
    return dict(pairs)


def environment(engine: str) -> dict[str, str]:
    """The variables of a service, as text."""
    return {key: str(value) for key, value in SERVICES[engine]["environment"].items()}


def test_all_five_are_there_and_say_when_they_are_ready() -> None:
    """By the names that `local` knows, each with a check of its health and a version."""
    assert list(SERVICES) == list(SERVERS)
    for service in SERVICES.values():
        assert service["healthcheck"]["test"][0] == "CMD"
        assert re.search(r":\d", service["image"]), service["image"]


def test_each_port_is_published_on_this_machine_only() -> None:
    """And the lines to export name those ports."""
    exported = dict(re.findall(r"^#     export (\w+)=(\S+)$", TEXT, re.MULTILINE))
    assert set(exported) == {url_variable(engine) for engine in SERVERS}
    for engine, service in SERVICES.items():
        published = set()
        for port in service["ports"]:
            host, outside, inside = port.split(":")
            assert host == "127.0.0.1" and outside == inside
            published.add(outside)
        url = exported[url_variable(engine)]
        assert set(re.findall(r"127\.0\.0\.1:(\d+)", url)) == published, url


@pytest.mark.parametrize("engine", FOLDERS)
def test_the_version_is_the_one_that_is_tried(engine: str) -> None:
    """The image's, the jars', and the one that Maven is asked for."""
    version = FOLDERS[engine].rpartition("-")[2]
    assert SERVICES[engine]["image"].endswith(f":{version}")
    pom = FOLDER.parent / "poms" / f"{engine}.xml"
    assert f"<version>{version}</version>" in pom.read_text(encoding="utf-8")


def test_redis_has_the_same_options() -> None:
    """Those of a server with its defaults; where it listens is the container's affair."""
    server = RedisServer()
    try:
        ours = server.options()
    finally:
        server.close()
    assert SERVICES["redis"]["command"][1:] == ours


def test_kafka_has_the_same_settings() -> None:
    """Each setting of ours is a variable there with the same value, and there are no others."""
    ours = {
        f"KAFKA_{key.upper().replace('.', '_')}": value
        for key, value in settings("kafka.properties").items()
        if key not in PLACES
    }
    places = {
        "KAFKA_LISTENERS",
        "KAFKA_ADVERTISED_LISTENERS",
        "KAFKA_CONTROLLER_QUORUM_VOTERS",
    }
    theirs = environment("kafka")
    assert {key: value for key, value in theirs.items() if key not in places} == ours


def test_sqs_has_the_same_settings() -> None:
    """But for the address inside the container."""
    ours = Template((FOLDER / "sqs.conf").read_text(encoding="utf-8")).substitute(port=9324)
    lines = [line for line in ours.splitlines() if not line.startswith("#")]
    theirs = COMPOSE["configs"]["sqs"]["content"].replace("0.0.0.0", "127.0.0.1")
    assert theirs.splitlines() == lines


def test_pulsar_has_the_same_settings() -> None:
    """Those that change how it works."""
    ours = {
        f"PULSAR_PREFIX_{key}": value
        for key, value in settings("pulsar.conf").items()
        if not ONLY_HERE.match(key) and key != "clusterName"
    }
    theirs = environment("pulsar")
    assert theirs.pop("PULSAR_PREFIX_advertisedAddress") == "127.0.0.1"
    assert theirs == ours
