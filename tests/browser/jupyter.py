"""A JupyterLab of its own for a test: a free loopback port, a copy of the notebooks, quiet
settings.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

STARTS_WITHIN = 60.0  # seconds
NOTEBOOKS = Path(os.environ.get("MQLEARN_NOTEBOOKS") or Path(__file__).parents[2] / "notebooks")

# Every cell in the page at once, so that a locator finds it; no dialogue that asks about news.
SETTINGS = {
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}


@dataclass(frozen=True)
class Jupyter:
    """A running server: its address, without the final slash, and the token it wants."""

    address: str
    token: str

    def page(self, notebook: str) -> str:
        """The address of `notebook` in a fresh workspace, the file browser open beside it."""
        return f"{self.address}/lab/tree/{notebook}?reset&token={self.token}"


def copy_notebooks(to: Path) -> None:
    """Copy the course into `to`, without its outputs: what a test then sees, its own run has
    made.
    """
    shutil.copytree(NOTEBOOKS, to, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    for path in to.rglob("*.ipynb"):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell["outputs"], cell["execution_count"] = [], None
        path.write_text(json.dumps(notebook), encoding="utf-8")


def environment(home: Path) -> dict[str, str]:
    """An environment in which Jupyter and IPython read and write nothing of the user's."""
    settings = home / "settings"
    for name, value in SETTINGS.items():
        file = settings / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(value), encoding="utf-8")
    own = {
        "JUPYTERLAB_SETTINGS_DIR": settings,
        "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "IPYTHONDIR": home / "ipython",
    }
    return {**os.environ, **{name: str(folder) for name, folder in own.items()}}


def free_port() -> int:
    """A port of the loopback interface that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_it_answers(server: Jupyter, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Return once `server` answers; if it does not start, raise with the end of its `log`."""
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(
                f"{server.address}/api/status?token={server.token}", timeout=5
            ):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)  # a real server: it is polled, up to the deadline
    raise RuntimeError(
        f"JupyterLab did not answer within {STARTS_WITHIN:g} s:\n{log.read_text()[-3000:]}"
    )


@contextmanager
def running(home: Path) -> Iterator[Jupyter]:
    """A JupyterLab on a copy of the notebooks, everything it writes below `home`; stopped at the
    end.
    """
    copy_notebooks(home / "notebooks")
    port, token, log = free_port(), secrets.token_hex(16), home / "jupyter.log"
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--ServerApp.ip=127.0.0.1",
    ]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    command += [f"--notebook-dir={home / 'notebooks'}"]
    server = Jupyter(f"http://127.0.0.1:{port}", token)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env={**environment(home), "JUPYTER_TOKEN": token}, stdout=output, stderr=output
        )
    try:
        wait_until_it_answers(server, process, log)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=20)
