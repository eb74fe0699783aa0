"""Commands of the system that install something, with one clear line when one fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mqlearn.engines.errors import EngineError

# Debian asks this file before it starts the service of a package; 101 is its no.
POLICY = Path("/usr/sbin/policy-rc.d")
REFUSAL = "#!/bin/sh\nexit 101\n"


def run(command: Sequence[str], folder: Path | None = None) -> None:
    """Run a command; raises EngineError with the last line of what it says if it fails."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=folder, env=environment
        )
    except OSError as error:
        raise EngineError(f"{command[0]} cannot be run: {error}") from error
    if ended.returncode != 0:
        said = [line for line in (ended.stdout + ended.stderr).splitlines() if line.strip()]
        # Maven's first error says the reason, the last line of the others does
        errors = [line for line in said if line.startswith("[ERROR]")][:1] or said[-1:]
        raise EngineError(
            f"`{' '.join(command[:6])} …` failed with status {ended.returncode}: {''.join(errors)}"
        )


def as_root() -> list[str] | None:
    """Return what makes a command run as root: nothing, or sudo; None if neither is there."""
    if not hasattr(os, "geteuid"):
        return None
    if os.geteuid() == 0:
        return []
    return ["sudo"] if shutil.which("sudo") else None


def why_no_apt() -> str:
    """Return why packages of Debian or Ubuntu cannot be installed here; "" if they can."""
    if shutil.which("apt-get") is None:
        return "this system has no apt-get"
    return "" if as_root() is not None else "this user is not root, and there is no sudo"


def apt_install(packages: Sequence[str]) -> None:
    """Install packages of Debian or Ubuntu, without starting a service, now or at the next boot."""
    root = as_root() or []
    refused = not POLICY.exists()
    if refused:
        with tempfile.NamedTemporaryFile("w", suffix=".sh") as file:
            file.write(REFUSAL)
            file.flush()
            run([*root, "install", "-m", "755", file.name, str(POLICY)])
    try:
        run([*root, "apt-get", "update", "-q"])
        # another installation may be under way, as on a machine that has just started
        patient = ["-o", "DPkg::Lock::Timeout=300"]  # s
        what = ["install", "-q", "-y", "--no-install-recommends", *packages]
        run([*root, "apt-get", *patient, *what])
        if "rabbitmq-server" in packages and Path("/run/systemd/system").exists():
            run([*root, "systemctl", "disable", "rabbitmq-server"])
    finally:
        if refused:
            run([*root, "rm", "-f", str(POLICY)])
