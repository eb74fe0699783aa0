"""Say in one sentence what is missing when this Python cannot set up the project.

Run by make before anything else: it uses only what every Python 3 has, so that an old one can still
read it.
"""

import argparse
import sys

OLDEST = (3, 11)


def complaint(version=sys.version_info, modules=("ensurepip", "venv")):
    """Return what is wrong with this interpreter, or None if nothing is."""
    if tuple(version[:2]) < OLDEST:
        found = "{}.{}".format(*version[:2])
        return (
            f"mqlearn needs Python {OLDEST[0]}.{OLDEST[1]} or newer, but {sys.executable} is "
            f"{found}. "
            "Name another one: make PYTHON=python3.12 ..."
        )
    for module in modules:
        try:
            __import__(module)
        except ImportError:
            return (
                f"{sys.executable} cannot make virtual environments: its module {module} is "
                "missing. "
                "On Debian and Ubuntu: apt install python3-venv. Elsewhere, install Python from "
                "python.org."
            )
    return None


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    sys.exit(complaint())
