"""Open JupyterLab on the notebooks: on this machine only, with a token, and print its address.

A browser is opened where there is one; without, the printed address is enough. As root, Jupyter has
to be told that this is meant, so that a class container or a rented machine works as it is.
"""

import argparse
import os
import secrets
import socket
import sys
import webbrowser
from pathlib import Path

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
FIRST = "00_start_here.ipynb"


def free_port(preferred: int = 8888, tries: int = 20) -> int:
    """The first free port at or after `preferred`, so that the printed address is the one that
    answers.
    """
    for port in range(preferred, preferred + tries):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise SystemExit(f"no free port between {preferred} and {preferred + tries - 1}")


def has_browser() -> bool:
    """Whether a browser that shows pictures can be opened here (a text browser cannot run
    JupyterLab).
    """
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    screens = ("DISPLAY", "WAYLAND_DISPLAY")
    return sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in screens)


def command(port: int, *, browser: bool, root: bool) -> list[str]:
    """The command line that starts JupyterLab on loopback only; it finds its token in
    JUPYTER_TOKEN.
    """
    options = [
        f"--notebook-dir={NOTEBOOKS}",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
    ]
    if not browser:
        options.append("--no-browser")
    if root:
        options.append("--allow-root")
    if (NOTEBOOKS / FIRST).exists():
        options.append(f"--LabApp.default_url=/lab/tree/{FIRST}")
    return [sys.executable, "-m", "jupyterlab", *options]


def main() -> None:
    """Replace this process by JupyterLab, so that Ctrl-C reaches it."""
    argparse.ArgumentParser(description="Open JupyterLab on the notebooks.").parse_args()
    port = free_port()
    # Through the environment, since any user of the machine can read a command line.
    token = os.environ.setdefault("JUPYTER_TOKEN", secrets.token_hex(16))
    address = f"http://127.0.0.1:{port}/lab/tree/{FIRST}?token={token}"
    print(f"\n  JupyterLab: {address}\n  Ctrl-C stops it.\n", flush=True)
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    argv = command(port, browser=has_browser(), root=root)
    os.execv(argv[0], argv)


if __name__ == "__main__":
    main()
