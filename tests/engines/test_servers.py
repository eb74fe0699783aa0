"""Genuine servers: started, killed, started again, ended."""

from __future__ import annotations

import ipaddress
import socket

import psutil
import pytest

from mqlearn.engines.errors import EngineError
from mqlearn.engines.servers import SERVERS, LocalServer, local, process_tree
from mqlearn.engines.servers.redis import FSYNC
from tests.engines import keeping
from tests.engines.conftest import need

SURVIVES_KILL = {"redis", "rabbitmq", "kafka", "pulsar"}  # sqs holds its queues in memory


@pytest.fixture(autouse=True)
def own_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests kill: never a server that somebody has named by a variable."""
    for engine in SERVERS:
        monkeypatch.delenv(f"MQLEARN_{engine.upper()}_URL", raising=False)


def ours(server: LocalServer) -> list[psutil.Process]:
    """Every process of a server."""
    started = server._process
    return [] if started is None else process_tree.members(started.pid, started.mark)


def listeners(processes: list[psutil.Process]) -> set[str]:
    """The addresses that processes listen on."""
    found = [each for process in processes for each in process.net_connections("inet")]
    return {each.laddr.ip for each in found if each.status == psutil.CONN_LISTEN}


def is_loopback(address: str) -> bool:
    """True for 127.0.0.1, for ::1, and for the first as the second writes it."""
    return ipaddress.ip_address(address.removeprefix("::ffff:")).is_loopback


@pytest.mark.parametrize("engine", SERVERS)
def test_a_server_is_killed_and_comes_back_with_what_it_confirmed(engine: str) -> None:
    """On the same port and in the same folder; everything of it listens on loopback only; in the
    end neither a process, nor a listener, nor the temporary folder is left.
    """
    need(engine)
    server = local(engine)
    assert isinstance(server, LocalServer)
    with server as url:
        keeping.write(engine, server)
        assert server.running and server.pid is not None
        first = ours(server)
        assert listeners(first) and all(map(is_loopback, listeners(first)))

        server.kill()
        assert not server.running and server.pid is None
        assert [each for each in first if each.is_running() and not zombie(each)] == []
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", server.port))

        server.start()
        assert server.url == url
        assert keeping.read(engine, url) == ("kept" if engine in SURVIVES_KILL else None)
        second, folder = ours(server), server.folder
    assert second and [each for each in second if each.is_running() and not zombie(each)] == []
    assert not folder.exists()


def zombie(process: psutil.Process) -> bool:
    """True if a process is dead and only its parent has not noticed."""
    return bool(process.status() == psutil.STATUS_ZOMBIE)


@pytest.mark.parametrize("engine", ["redis", "rabbitmq", "kafka"])
def test_a_folder_that_is_given_outlives_the_server(engine: str, tmp_path) -> None:
    """The next server there, on another port, finds what the first one stored."""
    need(engine)
    server = local(engine, folder=tmp_path / "data")
    with server as url:
        keeping.write(engine, server)
    with local(engine, folder=tmp_path / "data") as again:
        assert again != url
        assert keeping.read(engine, again) == "kept"


@pytest.mark.parametrize("appendfsync", FSYNC)
def test_redis_keeps_what_its_setting_says(appendfsync: str) -> None:
    """A kill loses nothing that was written to a file, synced or not: the kernel has it."""
    need("redis")
    server = local("redis", appendfsync=appendfsync)
    with server as url:
        keeping.write("redis", server)
        server.kill()
        server.start()
        assert keeping.read("redis", url) == (None if appendfsync == "off" else "kept")


def test_a_stopped_server_starts_again() -> None:
    """`stop` is an orderly end; `start` of a running server changes nothing."""
    need("redis")
    server = local("redis")
    with server as url:
        keeping.write("redis", server)
        server.stop()
        assert not server.running
        pid = server.start().pid
        assert server.start().pid == pid
        assert keeping.read("redis", url) == "kept"


def test_a_server_that_cannot_start_quotes_its_log(tmp_path) -> None:
    """And leaves no process: here its data is not what it wrote."""
    need("redis")
    server = local("redis", folder=tmp_path)
    (tmp_path / "appendonlydir").write_text("not a folder", encoding="utf-8")
    with pytest.raises(
        EngineError, match=r"(?s)redis ended with status 1.*appendonlydir"
    ) as raised:
        server.start()
    assert "server.log" in str(raised.value)
    assert not server.running and ours(server) == []
