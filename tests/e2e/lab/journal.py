# SPDX-License-Identifier: BSD-2-Clause
"""The syslog of the private host: everything that is written to /dev/log."""
import itertools
import os
import re
import socket
import threading
import time

AUTHPRIV = 10

# What the journal sends to itself.
_MARK = b"so far"

_AUDIT = re.compile(
    r"result=(?:allowed|observed|denied|unavailable|config|internal) reason=[a-z0-9-]+"
    r"(?: observe=yes)? service=.*? detail="
)
_FIELD = re.compile(r'([a-z]+)=("(?:[^"\\]|\\.)*"|\S*)')


class Line(str):
    """One message as it came, with its priority taken apart."""

    facility = None

    def __new__(cls, raw):
        text = raw.decode("utf-8", "backslashreplace").rstrip("\n\0")
        match = re.match(r"<(\d+)>", text)
        line = super().__new__(cls, text[match.end():] if match else text)
        line.facility = int(match[1]) >> 3 if match else None
        return line


def audit_fields(line):
    """The fields of an audit line, or None if it is none. detail runs to the end of the line."""
    match = _AUDIT.search(line)
    if not match:
        return None
    fields = {key: value.strip('"') for key, value in _FIELD.findall(match[0])}
    return {**fields, "detail": line[match.end():]}


class Journal:
    """Listens at /dev/log from its making on."""

    def __init__(self, path="/dev/log"):
        if os.path.lexists(path):
            os.unlink(path)
        self.lines = []
        self._path = path
        self._marks = itertools.count()
        self._marks_seen = set()
        self._more = threading.Condition()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        os.chmod(path, 0o666)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            raw = self._socket.recv(65536)
            with self._more:
                if raw.startswith(_MARK):
                    self._marks_seen.add(raw)
                else:
                    self.lines.append(Line(raw))
                self._more.notify_all()

    def _catch_up(self):
        """Until everything that was sent so far is among the lines."""
        mark = b"%s %d" % (_MARK, next(self._marks))
        # Without the lock: where the queue is full, this waits for the listener, who needs it.
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(mark, self._path)
        with self._more:
            self._more.wait_for(lambda: mark in self._marks_seen)

    def position(self):
        """Where the journal stands now, for audits() and text()."""
        self._catch_up()
        with self._more:
            return len(self.lines)

    def text(self, start=0):
        self._catch_up()
        with self._more:
            return "\n".join(self.lines[start:])

    def audits(self, start, count=1, timeout=5):
        """The audit lines since start as (line, fields), once there are count of them."""
        self._catch_up()
        deadline = time.monotonic() + timeout
        with self._more:
            while True:
                found = [(line, audit_fields(line)) for line in self.lines[start:]]
                found = [(line, fields) for line, fields in found if fields]
                left = deadline - time.monotonic()
                if len(found) >= count or left <= 0:
                    return found
                self._more.wait(left)
