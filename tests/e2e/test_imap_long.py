# SPDX-License-Identifier: BSD-2-Clause
"""One process of imapd through thousands of logins."""
import os
import re

from lab.imapd import PORTS
from lab.mail import RESOURCE, Imap
from lab.sasl import MECHANISMS, message

LOGINS = 2000

# Until whatever is made once and kept is made.
WARM_UP = 200

# What may come and go in an allocator, in KiB: less than half a byte for each login would be more.
SLACK = 256


class Process:
    """What a process of the private host holds, by proc(5)."""

    def __init__(self, words):
        found = [pid for pid in os.listdir("/proc") if pid.isdigit() and words in _words(pid)]
        found = [pid for pid in found if _namespace(pid) == _namespace("self")]
        assert len(found) == 1, found
        self.pid = found[0]

    def memory(self):
        """The KiB of memory that is its own."""
        with open(f"/proc/{self.pid}/status", encoding="utf-8") as file:
            return int(re.search(r"^RssAnon:\s*(\d+) kB", file.read(), re.MULTILINE)[1])

    def descriptors(self):
        """What it has open, number by number."""
        folder = f"/proc/{self.pid}/fd"
        found = {}
        for number in os.listdir(folder):
            try:
                found[int(number)] = re.sub(r"\d+", "N", os.readlink(os.path.join(folder, number)))
            except FileNotFoundError:
                pass
        return found


def _namespace(pid):
    try:
        return os.readlink(f"/proc/{pid}/ns/mnt")
    except FileNotFoundError:
        return None


def _words(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().decode().split("\0")
    except FileNotFoundError:
        return []


def logins(count, good, refused):
    """So many logins in a row, every tenth by a token that is refused, each on its connection."""
    for number in range(count):
        mechanism = MECHANISMS[number % 2]
        connection = Imap(PORTS["imaplong"], tls=False)
        expected, token = ("NO", refused) if number % 10 == 9 else ("OK", good)
        answer = connection.exchange(mechanism, message(mechanism, token, "alice"), b"\1")
        assert answer.result == expected, (number, answer)
        connection.logout()


def test_thousands_of_logins_leave_nothing_behind(site, imapd):
    # pylint: disable=unused-argument
    good, refused = (site.token(login, resource=RESOURCE) for login in ("alice", "alice-visiting"))
    logins(WARM_UP, good, refused)
    process = Process("1000000")
    memory, descriptors = process.memory(), process.descriptors()
    logins(LOGINS, good, refused)
    assert process.memory() - memory < SLACK
    assert process.descriptors() == descriptors
    assert Process("1000000").pid == process.pid, "it is the same process"
