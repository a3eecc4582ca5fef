# SPDX-License-Identifier: BSD-2-Clause
"""Results in TAP, for test programs that use nothing but Python's own library.

A program that imports this stands in a folder beside it and says so to sys.path.
"""

import os
import pathlib
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent


class Tap:
    """Counts results and prints each; `exit` prints the plan."""

    def __init__(self):
        self.number = 0
        self.failed = 0

    def result(self, good, name, *details):
        """One test. The details are comments under a failure."""
        self.number += 1
        print(f"{'ok' if good else 'not ok'} {self.number} - {one_line(name)}")
        if not good:
            self.failed += 1
            for detail in details:
                for line in str(detail).splitlines():
                    print(f"# {line}")

    def equal(self, got, expected, name, *details):
        self.result(got == expected, name, f"expected: {expected!r}", f"got: {got!r}", *details)

    def skip(self, name, reason):
        self.number += 1
        print(f"ok {self.number} - {one_line(name)} # SKIP {reason}")

    def exit(self):
        print(f"1..{self.number}")
        sys.exit(1 if self.failed else 0)


def one_line(name):
    """A number sign or a line end would be TAP's, not the name's."""
    return name.replace("#", "").replace("\n", " ")


def program():
    """The command under test: JWTAUTH, or that of the build folder JWTAUTH_BUILD."""
    named = os.environ.get("JWTAUTH")
    if named:
        return named
    built = pathlib.Path(os.environ.get("JWTAUTH_BUILD", TOP / "build" / "gcc")) / "cli" / "jwtauth"
    if not built.exists():
        sys.exit(f"{built} is not there: build it, or say where it is in JWTAUTH")
    return str(built)


def run(arguments, stdin=b"", **options):
    """Runs the command with arguments; standard output and error are bytes."""
    if isinstance(stdin, str):
        stdin = stdin.encode()
    return subprocess.run(
        [program(), *map(str, arguments)], input=stdin, capture_output=True, timeout=60,
        check=False, **options)
