# SPDX-License-Identifier: BSD-2-Clause
"""Helpers that are none: what a host believes of what one says, and how it says it."""

import sys

from helper import field, message
from steps import fetched, refused
from world import HELPER, Site, body

SCRIPT = """#!{python} -I
import os, socket, time
if os.fork():
    os._exit(0)
host = socket.socket(fileno=0)
host.recv(65536)
for after, data in {said!r}:
    time.sleep(after)
    host.sendall(data)
"""


def impostor(site, *said):
    """A program that says these bytes, each after so many seconds, whatever it is asked."""
    program = site.folder / "impostor"
    program.write_text(SCRIPT.format(python=sys.executable, said=said))
    program.chmod(0o755)
    return program


def reply(status, *fields):
    return message(field(5, status), field(9, (3600).to_bytes(4, "big")), *fields, kind=2)


def try_impostor(results, world):
    keys = field(6, world.set)
    large = field(6, world.set + b" " * 40000)
    new = reply(b"0", keys, field(7, b"https://idp.example/jwks"))
    site = Site(world)
    fetched(results, site, "a whole answer of another program", helper=impostor(site, (0, new)))
    site = Site(world)
    fetched(results, site, "one in two halves",
            helper=impostor(site, (0, new[:50]), (0.1, new[50:])))
    for name, said in (
            ("behind it", ((0, new + b"x"),)),
            ("behind it, late", ((0, new), (0.2, b"x"))),
            ("behind a large one", ((0, reply(b"0", large) + b"x"),)),
            ("behind a large one, late", ((0, reply(b"0", large)), (0.2, b"x"))),
            ("in another message", ((0, new + new),))):
        site = Site(world)
        refused(results, site, f"an answer with something {name}", "no whole answer",
                helper=impostor(site, *said))
    for number, size, name in ((2, 1024, "an ETag"), (3, 1024, "a Last-Modified"), (7, 2048, "a URI")):
        site = Site(world)
        fetched(results, site, f"an answer with {name} of {size} bytes",
                helper=impostor(site, (0, reply(b"0", keys, field(number, b"x" * size)))))
        fetched(results, site, f"{name} of {size} bytes: the next request can carry it", "get=+4000")
        site = Site(world)
        refused(results, site, f"an answer with {name} of {size + 1} bytes", "no whole answer",
                helper=impostor(site, (0, reply(b"0", keys, field(number, b"x" * (size + 1))))))


# The helper, but for the second time that it is asked: then it says nothing.
FITFUL = """#!/bin/sh
mkdir "$0.first" 2>/dev/null && exec {helper}
mkdir "$0.second" 2>/dev/null && exit 0
exec {helper}
"""


def try_unanswered(results, world):
    """A helper that says nothing whole says nothing of the issuer: no other process hears of it."""
    cut = reply(b"0", field(6, world.set))[:-1]
    for name, helper in (("no helper", "/nonexistent"), ("a helper that says nothing", "/bin/true"),
                         ("one that is cut short", None)):
        site = Site(world)
        world.server.forget()
        site.run("get=+0", helper=helper or impostor(site, (0, cut)))
        results.equal((site.own / "corp.state").exists(), False, f"{name}: nothing is written down")
        fetched(results, site, f"{name}: the next process fetches at once")
    site = Site(world)
    fitful = site.folder / "fitful"
    fitful.write_text(FITFUL.format(helper=HELPER))
    fitful.chmod(0o755)
    world.server.forget()
    lines, log = site.run("get=+0", "sleep=150", "key=invented,+1", "key=invented,+2",
                          "key=invented,+3", helper=fitful)
    results.result("no whole answer" in log and "the last attempt, 1 s ago" in "".join(lines) and
                   world.server.count() == 2,
                   "an unknown kid: this process backs off, but the issuer was not asked", *lines, log)


def try_unchanged(results, world):
    """That nothing changed is believed of the place that the keys came from, and of no other."""
    world.server.scripts["/jwks"] = body(world.set, ETag='"v1"')
    here = world.server.url("/jwks").encode()
    for name, fields, believed in (("that place", (field(7, here),), True),
                                   ("another", (field(7, here + b"2"),), False),
                                   ("no place", (), False)):
        site = Site(world)
        site.run("get=+0")
        helper = impostor(site, (0, reply(b"1", *fields)))
        line, log = site.one("force=+10", helper=helper)
        results.equal(line.split()[1], "ok" if believed else "keys-unavailable",
                      f"unchanged, says the helper, at {name}", line, log)
        results.equal("another place" in log, not believed, f"and the log says why: {name}", log)
    site = Site(world)
    refused(results, site, "unchanged, says the helper, of nothing", "nothing was there",
            helper=impostor(site, (0, reply(b"1"))))
    results.equal(site.cached.exists(), False, "of which nothing is kept")


def try_granted_freshness(results, world):
    """Freshness that HTTP cannot have meant is none of a helper's to grant."""
    for said, kept in ((0, 60), (59, 60), (61, 61), (86400, 86400), (86401, 86400),
                       (0xFFFFFFFF, 86400)):
        site = Site(world)
        told = message(field(5, b"0"), field(9, said.to_bytes(4, "big")), field(6, world.set),
                       field(7, b"https://idp.example/jwks"), kind=2)
        fetched(results, site, f"fresh for {said} s", helper=impostor(site, (0, told)))
        results.equal(b"\nfresh %d\n" % kept in site.cached.read_bytes(), True, f"is for {kept} s")


def try_members(results, world):
    """A set that no cache could keep is refused when it is fetched, and counted as a failure."""
    for data, reason in ((b'{"keys":[' + b"0.1," * 250000 + b"1]}", "250001 members, and 2048"),
                         (b'{"keys":[{"kty":"EC","x":[' + b"0.1," * 250000 + b"1]}]}",
                          "too large for the cache|no .*key|nested|verif")):
        site = Site(world)
        told = reply(b"0", field(6, data), field(7, b"https://idp.example/jwks"))
        refused(results, site, "a set whose list would outgrow the cache", reason,
                helper=impostor(site, (0, told)))
        results.equal("failures 1\n" in (site.own / "corp.state").read_text(), True, "is a failure")
