# SPDX-License-Identifier: BSD-2-Clause
"""What a server, a network, a clock or a disk can do wrong, each with outcome and reason."""

import contextlib
import os
import random
import re
import shutil
import socket
import subprocess
import time

from cachefile import whole
from steps import fetched, refused
from world import OTHER_ID, ROOT, Server, Site, body, jwk_set, status, unused_port


def fault(results, world, name, reason, site=None, stale=True):
    """No keys at first: UNAVAILABLE; with keys that have expired: served stale."""
    site = site or Site(world)
    refused(results, site, f"{name}: unavailable", reason)
    if stale:
        scripts = world.server.scripts
        world.server.scripts = {"/jwks": body(world.set)}
        other = Site(world)
        other.run("get=+0")
        text = other.cached.read_bytes()
        place = other.cached
        shutil.copy(site.config, other.config)
        other.config.write_text(site.config.read_text().replace(str(site.directory),
                                                                str(other.directory)))
        source = re.search(r"(?m)^ +jwks: (.*)$", site.config.read_text())[1]
        issuer = re.search(r"(?m)^ +issuer: (.*)$", site.config.read_text())[1]
        for field, value in (("issuer", issuer), ("source", source)):
            text = re.sub(rb"(?m)^%s .*$" % field.encode(), f"{field} {value}".encode(), text)
        place.write_bytes(whole(text))
        world.server.scripts = scripts
        line, log = other.one("get=+4000")
        results.result(line.startswith("get ok ") and "served stale: " in log and
                       re.search(reason, log), f"{name}: served stale", line, log)


def trickle(handler):
    handler.reply(200, b'{"keys":', Content_Length="100000")
    for _ in range(60):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.5)


def try_faults(results, world):
    server = world.server
    for name, script, reason in (
            ("500", status(500), "HTTP status 500"), ("404", status(404), "HTTP status 404"),
            ("204", status(204), "HTTP status 204"),
            ("HTML", body(b"<html><body>Please log in</body></html>"), "JSON"),
            ("truncated JSON", body(world.set[:-20]), "JSON"),
            ("a body cut short", body(world.set, Content_Length="5000"), "transfer closed|partial"),
            ("an empty set", body(b'{"keys":[]}'), "no usable key"),
            ("a set of unusable keys", body(b'{"keys":[{"kty":"EC"}]}'), "no usable key"),
            ("a secret in the set", body(jwk_set({"kty": "oct", "k": "A" * 64})), "symmetric key"),
            ("a secret beside a key", body(jwk_set(world.key, {"kty": "oct", "k": "A" * 8})),
             "symmetric key"),
            ("2 MiB", body(b" " * (2 << 20)), "larger than 1 MiB"),
            ("2 MiB in pieces", chunked, "larger than 1 MiB"),
            ("redirect loop", status(302, Location="/jwks"), "redirects"),
            ("redirect to http", status(302, Location="http://127.0.0.1:1/jwks"), "rotocol"),
            ("redirect to file:", status(302, Location="file:///etc/passwd"), "rotocol"),
            ("redirect with a user", status(302, Location=server.url("/ok", "me@127.0.0.1")),
             "redentials|ogin denied"),
            ("redirect with a password", status(302, Location=server.url("/ok", "me:x@127.0.0.1")),
             "redentials|ogin denied")):
        world.reset()
        server.scripts["/jwks"] = script
        server.scripts["/ok"] = body(world.set)
        fault(results, world, name, reason)
        results.equal(server.count("/ok"), 0, f"{name}: nobody is asked elsewhere")
    world.reset()
    server.scripts["/moved"] = status(302, Location="/jwks")
    fetched(results, Site(world, jwks=server.url("/moved")), "one redirect is followed")


def chunked(handler):
    handler.reply(200, b"", Transfer_Encoding="chunked")
    for _ in range(32):
        handler.wfile.write(b"10000\r\n" + b" " * 65536 + b"\r\n")
    handler.wfile.write(b"0\r\n\r\n")


def try_network(results, world):
    fault(results, world, "refused connection", "connect",
          Site(world, jwks=f"https://127.0.0.1:{unused_port()}/jwks"))
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen()
        start = time.monotonic()
        refused(results, Site(world, jwks=f"https://127.0.0.1:{hole.getsockname()[1]}/jwks"),
                "black hole: unavailable", "[Tt]imed? ?out|Timeout")
        results.result(time.monotonic() - start < 11, "black hole: within the deadline")
    world.server.scripts["/jwks"] = trickle
    start = time.monotonic()
    refused(results, Site(world), "slow loris: unavailable", "[Tt]imed? ?out|Timeout")
    results.result(time.monotonic() - start < 12, "slow loris: within the deadline",
                   time.monotonic() - start)


def try_proxy(results, world):
    with contextlib.closing(Server()) as proxy:
        site = Site(world, more=f"    proxy: {proxy.url()}")
        refused(results, site, "the configured proxy refuses", "CONNECT|proxy|403")
        origin = world.server.url().split("//")[1]
        results.equal((proxy.count(origin), world.server.count()), (1, 0), "and is asked, nobody else")


def try_certificates(results, world):
    for name, reason in (("expired", "expired"), ("stranger", "no alternative certificate|match")):
        with contextlib.closing(Server(world.authority.context(name))) as server:
            server.scripts["/jwks"] = body(world.set)
            fault(results, world, f"certificate: {name}", reason,
                  Site(world, jwks=server.url("/jwks")))
            results.equal(server.count(), 0, f"certificate: {name}: nothing is asked")
    site = Site(world)
    site.config.write_text(re.sub(r"(?m)^.*ca_file.*\n", "", site.config.read_text()))
    fault(results, world, "certificate: unknown authority", "unable to get|self.signed|issuer", site)


def try_clock(results, world):
    server = world.server
    site = Site(world)
    now = int(time.time())
    year = 365 * 86400
    site.run(f"get={now + year}")
    world.reset()
    server.scripts["/jwks"] = body(world.set2)
    fetched(results, site, "the clock was a year ahead: keys are fetched again", f"get={now}", "k1,k2")
    fetched(results, site, "and kept", f"get={now + 1}", "k1,k2")
    results.equal(server.count(), 1, "by one request")
    lines, log = site.run(f"get={now}", f"get={now + year}", f"get={now}", f"get={now + 10}")
    results.result(all(line.split()[1:4:2] == ["ok", "k1,k2"] for line in lines),
                   "forth and back in one process", *lines, log)
    results.equal(server.count(), 3, "a request for each jump")
    site.run(f"get={now + year}")
    server.scripts["/jwks"] = status(500)
    refused(results, site, "keys of a year ahead serve nobody in an outage", "HTTP status 500",
            f"get={now + 100}")





def try_disks(results, world):
    site = Site(world, cache=False)
    if not ROOT:
        fetched(results, site, "no cache directory")
        return
    site.directory.mkdir(mode=0o755)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=755", "tmpfs", site.directory],
                   check=True)
    try:
        with contextlib.suppress(OSError), open(site.directory / "fill", "wb") as fill:
            while True:
                fill.write(b"x" * 4096)
                fill.flush()
        lines, log = site.run("get=+0", "get=+0")
        results.result(all(line.split()[1:4:2] == ["ok", "k1"] for line in lines) and
                       "No space left" in log and world.server.count() == 1,
                       "a full disk: served from memory", *lines, log)
        results.equal([name for name in os.listdir(site.directory) if name.startswith(".")], [],
                      "a full disk: nothing is left behind")
        subprocess.run(["mount", "-o", "remount,ro", site.directory], check=True)
        world.server.forget()
        lines, log = site.run("get=+0", "get=+0")
        results.result(all(" ok " in line for line in lines) and "Read-only" in log and
                       world.server.count() == 1, "a read-only disk: served from memory", *lines, log)
        lines, log = site.run("get=+0", "sleep=150", "key=new,+1", "key=new,+2", "key=new,+3")
        results.result(world.server.count() == 3, "a read-only disk: the cooldown is the process's",
                       *lines, log, world.server.count())
    finally:
        subprocess.run(["umount", site.directory], check=True)
    site.directory.rmdir()
    fetched(results, site, "no cache directory: root makes it")
    results.equal(site.directory.stat().st_mode & 0o7777, 0o755, "for all to read")


def spoil(site, change):
    site.run("get=+0")
    change(site.cached)


def try_damage(results, world):
    server = world.server

    def write(data):
        return lambda path: path.write_bytes(data(path.read_bytes()))

    def to_link(path):
        path.rename(path.with_name("real"))
        path.symlink_to("real")

    def to_directory(path):
        path.unlink()
        path.mkdir()

    for name, change, reason in (
            ("truncated", write(lambda data: data[:-1]), "damaged"),
            ("empty", write(lambda data: b""), "damaged"),
            ("of noise", write(lambda data: random.Random(1).randbytes(5000)), "damaged"),
            ("with something behind", write(lambda data: data + b"x"), "damaged"),
            ("of another version", write(lambda data: data.replace(b"cache 2", b"cache 3")), "damaged"),
            ("with a bit flipped", write(lambda data: data.replace(b'"crv"', b'"crw"')), "damaged"),
            ("with a body that is no list",
             write(lambda data: whole(data[:data.index(b"body ")] + b"body 2\n{}")), "no list of keys"),
            ("oversized", write(lambda data: data + b" " * (3 << 20)), "larger than"),
            ("a symbolic link", to_link, "is a symbolic link"),
            ("writable by its group", lambda path: path.chmod(0o664), "writable by group"),
            ("writable by others", lambda path: path.chmod(0o646), "writable by group or others"),
            *((("of another owner", lambda path: os.chown(path, OTHER_ID, 0), "another user"),)
              if ROOT else ())):
        site = Site(world)
        spoil(site, change)
        server.forget()
        lines, log = site.run("get=+0", "get=+0")
        results.result(all(line.split()[1:4:2] == ["ok", "k1"] for line in lines) and
                       server.count() == 1, f"a cache file {name}: fetched again", *lines, log)
        results.equal(len(re.findall(reason, log)), 1, f"a cache file {name}: logged once", log)
        server.forget()
        lines, log = site.run("get=+0")
        results.result(" ok " in lines[0] and server.count() == 0 and log == "",
                       f"a cache file {name}: replaced", *lines, log)
    site = Site(world)
    spoil(site, to_directory)
    lines, log = site.run("get=+0", "get=+0")
    results.result(all(" ok " in line for line in lines), "a directory in its place", *lines, log)
    site = Site(world)
    site.run("get=+0")
    site.configure(world.server.url("/jwks"), issuer="https://other.example")
    server.forget()
    fetched(results, site, "the cache of another issuer identifier")
    results.equal(server.count(), 1, "is not used")


def try_owners(results, world):
    """Whose cache files count."""
    if not ROOT:
        results.skip("owners of cache files", "only root can give files away")
        return
    other = {"user": OTHER_ID, "group": OTHER_ID, "extra_groups": []}
    site = Site(world)
    site.run("get=+0")
    world.server.forget()
    fetched(results, site, "root's file serves another user", expected=OTHER_ID, **other)
    results.equal(world.server.count(), 0, "without a request")

    site = Site(world)
    own = site.directory / str(OTHER_ID)
    own.mkdir(mode=0o755)
    os.chown(own, OTHER_ID, OTHER_ID)
    fetched(results, site, "a user fills a cache of its own", expected=OTHER_ID, **other)
    results.equal((own / "corp.jwks").stat().st_uid, OTHER_ID, "in its own directory")
    world.server.forget()
    fetched(results, site, "and reads it", expected=OTHER_ID, **other)
    results.equal(world.server.count(), 0, "without a request")
    fetched(results, site, "which root does not")
    results.equal(world.server.count(), 1, "but fetches")
    site.cached.unlink()
    world.server.forget()
    fetched(results, site, "nor does a process that trusts root alone (AT_SECURE)", expected=0,
            **other)
    results.equal(world.server.count(), 1, "but fetches for itself")
    shutil.copy(own / "corp.jwks", site.cached)
    os.chown(site.cached, OTHER_ID, OTHER_ID)
    world.server.forget()
    line, log = fetched(results, site, "a user's file in root's place")
    results.result("owned by another user" in log and world.server.count() == 1, "is not trusted", log)
    own.chmod(0o777)
    world.server.forget()
    line, log = site.one("get=+0", expected=OTHER_ID, **other)
    results.result(" ok " in line, "a directory that all may write to: root's file serves", line, log)
