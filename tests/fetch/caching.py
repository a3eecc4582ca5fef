# SPDX-License-Identifier: BSD-2-Clause
"""The ordinary way: discovery, HTTP caching, outages, refreshing ahead."""

import contextlib
import json
import re
import socket
import subprocess
import time

from steps import fetched, refused
from world import COMMAND, ROOT, Server, Site, body, status


def try_basics(results, world):
    site = Site(world)
    fetched(results, site, "a cold cache is filled")
    results.equal(world.server.count(), 1, "by one request")
    fetched(results, site, "a warm one serves")
    results.equal(world.server.count(), 1, "without another")
    text = site.cached.read_text()
    results.result(re.match(r"jwtauth-cache 2\nsum [0-9a-f]{16}\nissuer https://idp.example\n", text)
                   and f'\n"k1" {json.dumps(world.key, separators=(",", ":"))}\n' in text,
                   "the cache can be read by hand", text)
    results.equal(site.cached.stat().st_mode & 0o7777, 0o644, "and by everybody")
    done = subprocess.run([COMMAND, "keys", "list", "--config", site.config], text=True,
                          capture_output=True, check=False)
    results.result(done.returncode == 0 and re.search(
        r"issuer corp .*\n  from \"https://.*/jwks\"  fetched \d+ s ago  fresh for \d+ s\n"
        r"  kid \"k1\"  type \"EC\"  crv \"P-256\".*usable", done.stdout), "keys list shows it",
        done.stdout, done.stderr)
    for host in ("localhost", *(("idp.lab",) if ROOT else ())):
        fetched(results, Site(world, jwks=world.server.url("/jwks", host)), f"by name: {host}")
    with contextlib.closing(Server(world.authority.context("server"), socket.AF_INET6)) as six:
        six.scripts["/jwks"] = body(world.set)
        fetched(results, Site(world, jwks=six.url("/jwks", "[::1]")), "by IPv6 address")
        if ROOT:
            fetched(results, Site(world, jwks=six.url("/jwks", "idp6.lab")), "by IPv6 name")
    with contextlib.closing(Server()) as plain:
        plain.scripts["/jwks"] = body(world.set)
        fetched(results, Site(world, jwks=plain.url("/jwks")), "plain http to loopback")


def try_relative(results, world):
    site = Site(world)
    arguments = site.arguments("get=+0")
    arguments[1] = site.config.name
    done = subprocess.run(arguments, cwd=site.folder, text=True, capture_output=True, check=False)
    results.result(" ok " in done.stdout, "a relative path of the configuration, in a host",
                   done.stdout, done.stderr)


def metadata(issuer, uri):
    return body(json.dumps({"issuer": issuer, "jwks_uri": uri}).encode())


def try_discovery(results, world):
    server = world.server
    known = "/.well-known/openid-configuration"
    other = "/.well-known/oauth-authorization-server"
    root, path = server.url(), server.url("/realms/a")
    for issuer, place, name in (
            (root, known, "OpenID Connect"), (path, f"/realms/a{known}", "OpenID Connect, path"),
            (root, other, "RFC 8414"), (path, f"{other}/realms/a", "RFC 8414, path"),
            (f"{root}/", known, "OpenID Connect, trailing slash")):
        world.reset()
        server.scripts[place] = metadata(issuer, server.url("/jwks"))
        fetched(results, Site(world, jwks="discover", issuer=issuer), f"discovery: {name}")
    for said, uri, reason, name in (
            (f"{root}/", server.url("/jwks"), "the metadata is of issuer", "issuer with a slash"),
            ("https://evil.example", server.url("/jwks"), "the metadata is of issuer",
             "issuer mismatch"),
            (root, "http://127.0.0.1/jwks", "is no https:// URL", "jwks_uri by http"),
            (root, "file:///etc/passwd", "is no https:// URL", "jwks_uri is a file"),
            (root, server.url("/jwks", "me@127.0.0.1"), "names a user", "jwks_uri with a user"),
            (root, server.url("/jwks", "me:secret@127.0.0.1"), "names a user",
             "jwks_uri with a password"),
            (root, server.url("/jwks#x"), "has a fragment", "jwks_uri with a fragment"),
            (root, server.url("/jwks?" + "x" * 2048), "is longer than 2048 bytes",
             "a long jwks_uri")):
        world.reset()
        server.scripts[known] = metadata(said, uri)
        site = Site(world, jwks="discover", issuer=root)
        refused(results, site, f"discovery: {name}", reason)
        results.equal(server.count(), 0, f"discovery: {name}: keys are not asked for")
    world.reset()
    server.scripts[known] = body(json.dumps({"issuer": root}).encode())
    refused(results, Site(world, jwks="discover", issuer=root), "discovery: no jwks_uri",
            "has no jwks_uri")
    world.reset()
    refused(results, Site(world, jwks="discover", issuer=root), "discovery: no metadata",
            "HTTP status 404")
    world.reset()
    long = root + "/" + "x" * (2047 - len(root))
    refused(results, Site(world, jwks="discover", issuer=long), "discovery: a long issuer", "x" * 99)
    results.equal(world.server.requests, [], "discovery: no URL beyond 2048 bytes is asked")


def try_plain_discovery(results, world):
    """An issuer of this host may name places of this host, and no others that only look so."""
    known = "/.well-known/openid-configuration"
    with contextlib.closing(Server()) as plain:
        issuer = plain.url()
        plain.scripts["/jwks"] = body(world.set)
        plain.scripts[known] = metadata(issuer, plain.url("/jwks", "localhost"))
        fetched(results, Site(world, jwks="discover", issuer=issuer), "plain discovery on loopback")
        for host, reason in (("127.0.0.1:x@127.0.0.1", "names a user"),
                             ("localhost:x@127.0.0.1", "names a user"),
                             ("127.0.0.1.", "is no https:// URL"),
                             ("localhost%00", "is no https:// URL"),
                             ("127.0.0.2", "is no https:// URL")):
            plain.forget()
            plain.scripts[known] = metadata(issuer, plain.url("/jwks", host))
            refused(results, Site(world, jwks="discover", issuer=issuer),
                    f"plain discovery: keys at {host}", reason)
            results.equal(plain.count(), 0, f"plain discovery: {host} is not asked")


def try_conditional(results, world):
    server = world.server
    site = Site(world)
    date = "Sun, 06 Nov 1994 08:49:37 GMT"
    server.scripts["/jwks"] = body(world.set, ETag='"v1"', Last_Modified=date,
                                   Cache_Control="max-age=100")
    fetched(results, site, "keys with validators")
    server.scripts["/jwks"] = status(304, ETag='"v1"', Cache_Control="max-age=200")
    fetched(results, site, "unchanged keys", "get=+150")
    asked = server.headers()
    results.equal((asked.get("If-None-Match"), asked.get("If-Modified-Since")), ('"v1"', date),
                  "the validators are sent")
    results.equal("Cache-Control" in asked, False, "without no-cache")
    results.result("fresh 200\n" in site.cached.read_text(), "and freshness is renewed",
                   site.cached.read_text())
    server.scripts["/jwks"] = body(world.set2, ETag='"v2"')
    fetched(results, site, "an unknown kid brings new keys", "renew=+151", "k1,k2")
    results.equal(server.headers().get("Cache-Control"), "no-cache", "past every cache")
    server.scripts["/jwks"] = status(304)
    refused(results, Site(world), "unchanged, but nothing was there", "HTTP status 304")


def validators(server):
    return [server.headers().get(name) for name in ("If-None-Match", "If-Modified-Since")]


def try_moved(results, world):
    """Validators are of one URI: another that has the same is asked without."""
    server = world.server
    issuer = server.url()
    date = "Sun, 06 Nov 1994 08:49:37 GMT"

    def place(data):
        def script(handler):
            if handler.headers.get("If-None-Match") == '"1"':
                handler.reply(304, ETag='"1"')
            else:
                handler.reply(200, data, ETag='"1"', Last_Modified=date)
        return script

    server.scripts |= {"/a": place(world.set), "/b": place(world.set2)}
    known = "/.well-known/openid-configuration"
    server.scripts[known] = metadata(issuer, server.url("/a"))
    site = Site(world, jwks="discover", issuer=issuer)
    fetched(results, site, "keys before they move")
    fetched(results, site, "keys at their place are unchanged", "get=+4000")
    results.equal(validators(server), ['"1"', date], "by their validators")
    server.scripts[known] = metadata(issuer, server.url("/b"))
    fetched(results, site, "keys at another place are new", "get=+8000", "k1,k2")
    results.equal(validators(server), [None, None], "and were asked for without one")
    site.configure(server.url("/a"), issuer)
    fetched(results, site, "keys at a configured place are new", "get=+8000")
    results.equal(validators(server), [None, None], "and were asked for without one")


def try_freshness(results, world):
    server = world.server
    for header, expected in ((None, 3600), ("max-age=0", 60), ("max-age=61", 61),
                             ("max-age=99999999999999999999", 86400), ("no-store", 60),
                             ("no-cache, max-age=600", 60), ("public, MAX-AGE=600", 600),
                             ("max-age=x", 3600), ("max-age=-1", 3600)):
        server.scripts["/jwks"] = body(world.set, **({"Cache_Control": header} if header else {}))
        site = Site(world)
        site.run("get=+0")
        results.result(f"fresh {expected}\n" in site.cached.read_text(),
                       f"freshness of {header}: {expected}", site.cached.read_text())
    server.scripts["/jwks"] = body(world.set, Cache_Control="max-age=600", Age="200")
    site = Site(world)
    site.run("get=+0")
    results.result("fresh 400\n" in site.cached.read_text(), "less its age in other caches")


def try_stale(results, world):
    """Freshness 1 h, stale for 2 h more."""
    server = world.server
    site = Site(world, more="    stale_if_error: 2h")
    now = int(time.time())
    site.run(f"get={now}")
    server.scripts["/jwks"] = status(500)
    line, log = fetched(results, site, "an outage: stale keys serve", f"get={now + 3700}")
    results.result("served stale: " in log and "HTTP status 500" in log, "and the log says so", log)
    line, log = site.one(f"get={now + 3701}")
    results.result(" ok " in line and "; next in " in log and server.count() == 2,
                   "a second login does not ask again", line, log, server.requests)
    line, log = fetched(results, site, "but after 2 s", f"get={now + 3702}")
    results.equal(server.count(), 3, "one more request")
    site.run(f"get={now + 3705}")
    results.equal(server.count(), 3, "the next only after 4 s")
    site.run(f"get={now + 3706}")
    results.equal(server.count(), 4, "which it makes then")
    refused(results, site, "beyond stale_if_error: unavailable", "HTTP status 500", f"get={now + 10900}")
    world.reset()
    fetched(results, site, "the outage is over", f"get={now + 11000}")
    results.equal(server.count(), 1, "one request")


def try_ahead(results, world):
    server = world.server
    site = Site(world)
    site.run("get=+0")
    server.scripts["/jwks"] = body(world.set2, after=1)
    refresher = site.folder / "refresher"
    refresher.write_text(f"#!/bin/sh\necho \"$*\" >>{site.folder}/started\nenv >>{site.folder}/env\n")
    refresher.chmod(0o755)
    line, log = fetched(results, site, "the last quarter: the old keys serve", "get=+3000",
                        refresher=refresher)
    results.result(int(line.split()[2]) < 500, "without waiting", line)
    time.sleep(0.2)
    results.equal((site.folder / "started").read_text(),
                  f"keys refresh --background --issuer corp --config {site.config}\n",
                  "and the refresher is started")
    results.equal(re.findall(r"(?m)^(?!PWD=|OLDPWD=|_=|SHLVL=)\w+=", (site.folder / "env").read_text()),
                  [], "with no environment")
    fetched(results, site, "the first three quarters", "get=+2600", refresher=refresher)
    results.equal((site.folder / "started").read_text().count("\n"), 1, "start none")
    lines, log = site.run("get=+3000", "get=+3001", "get=+3009", refresher=refresher)
    time.sleep(0.2)
    results.equal((site.folder / "started").read_text().count("\n"), 2, "one process, one a time")
    holder = site.start("lock=", "wait=")
    holder.stdout.readline()
    site.run("get=+3000", refresher=refresher)
    time.sleep(0.2)
    results.equal((site.folder / "started").read_text().count("\n"), 2,
                  "none while somebody fetches")
    holder.communicate("\n")


def try_refresh(results, world):
    server = world.server
    site = Site(world)
    lines, log = site.run("refresh=+0", "refresh=+0", "get=+0")
    results.equal(server.count(), 1, "refresh: only what is due", *lines, log)
    lines, log = site.run("force=+0")
    results.equal((server.count(), server.headers().get("Cache-Control")), (2, "no-cache"),
                  "refresh by force", *lines, log)
    server.scripts["/jwks"] = status(503)
    site.run("force=+0")
    server.scripts["/jwks"] = body(world.set2)
    lines, log = site.run("force=+0", "get=+0")
    results.result("k1,k2" in lines[-1], "refresh by force does not back off", *lines, log)
