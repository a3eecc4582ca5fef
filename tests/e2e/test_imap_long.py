# SPDX-License-Identifier: BSD-2-Clause
"""One process of imapd through thousands of logins."""
import os
import pwd
import re

import pytest

from lab import host
from lab.imapd import PORTS
from lab.mail import RESOURCE, Imap
from lab.party import age_cache
from lab.sasl import MECHANISMS, message
from lab.site import KEYS

LOGINS = 2000

# Until whatever is made once and kept is made.
WARM_UP = 200

# What may come and go in an allocator, in KiB: less than half a byte for each login would be more.
SLACK = 256


# A little before keys of oidc-provider, which does not say for how long they may be kept, expire.
NEARLY_EXPIRED = 3540


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

    def children(self):
        """The states of its children."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                    state, parent = file.read().rpartition(")")[2].split()[:2]
            except FileNotFoundError:
                continue
            if parent == self.pid:
                found.append(state)
        return found

    def descriptors(self):
        """What it has open, number by number, while it serves nobody."""
        host.wait_until(lambda: os.readlink(f"/proc/{self.pid}/fd/0") == "/dev/null",
                        "the end of a session")
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
    except (FileNotFoundError, ProcessLookupError):
        return None


def _words(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().decode().split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


def logins(service, count, good, refused):
    """So many logins in a row, every tenth by a token that is refused, each on its connection."""
    for number in range(count):
        mechanism = MECHANISMS[number % 2]
        connection = Imap(PORTS[service], tls=False)
        expected, token = ("NO", refused) if number % 10 == 9 else ("OK", good)
        answer = connection.exchange(mechanism, message(mechanism, token, "alice"), b"\1")
        assert answer.result == expected, (number, answer)
        connection.logout()


@pytest.fixture
def own_keys(site):
    """What the servers' user keeps of the issuer's keys, since root's are away."""
    # pylint: disable=unused-argument
    kept = f"{host.CACHE}/corp.jwks"
    own = f"{host.CACHE}/{pwd.getpwnam('cyrus').pw_uid}"
    for name in os.listdir(own):
        os.unlink(os.path.join(own, name))
    os.rename(kept, kept + ".away")
    yield own
    os.rename(kept + ".away", kept)


def test_fetching_keys_leaves_nothing_behind(site, imapd, own_keys):
    # pylint: disable=unused-argument,redefined-outer-name
    requests = len(site.idp.requests())
    logins("imapfresh", 1, site.token(resource=RESOURCE), None)
    assert len(site.idp.requests()) == requests + 2, "another process has fetched them"
    age_cache(own_keys, "corp", NEARLY_EXPIRED)
    logins("imaplong", 1, site.token(resource=RESOURCE), None)
    host.wait_until(lambda: len(site.idp.requests()) == requests + 4, "a refresh ahead of expiry")
    process = Process("1000000")
    host.wait_until(lambda: process.children() == [], "the end of what refreshes")
    descriptors = process.descriptors()

    site.idp.use_keys({"lab-new": "ES256", **KEYS})
    try:
        logins("imaplong", 1, site.token(resource=RESOURCE), None)
    finally:
        site.idp.use_keys(KEYS)
    assert len(site.idp.requests()) == requests + 6, "it has fetched the new key itself"
    assert process.children() == []
    assert process.descriptors() == descriptors
    assert Process("1000000").pid == process.pid, "it is the same process"


def test_thousands_of_logins_leave_nothing_behind(site, imapd):
    # pylint: disable=unused-argument
    good, refused = (site.token(login, resource=RESOURCE) for login in ("alice", "alice-visiting"))
    logins("imaplong", WARM_UP, good, refused)
    process = Process("1000000")
    memory, descriptors = process.memory(), process.descriptors()
    logins("imaplong", LOGINS, good, refused)
    assert process.memory() - memory < SLACK
    assert process.descriptors() == descriptors
    assert Process("1000000").pid == process.pid, "it is the same process"
