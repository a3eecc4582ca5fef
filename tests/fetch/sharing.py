# SPDX-License-Identifier: BSD-2-Clause
"""Rotation, floods, herds, and processes that are stopped or killed."""

import contextlib
import os
import random
import re
import signal
import time

from steps import fetched
from world import Site, body, is_helper, jwk_set, status


def try_rotation(results, world):
    server = world.server
    site = Site(world)
    site.run("get=+0")
    server.scripts["/jwks"] = body(world.set2)
    lines, log = site.run("key=k2,+0")
    results.result(lines[0].startswith("key ok"), "the first token of a new key", *lines, log)
    server.scripts["/jwks"] = body(jwk_set(world.key2), Cache_Control="max-age=60")
    lines, log = site.run("key=k1,+3700")
    results.result(lines[0].startswith("key no-key"), "a removed key is gone when freshness is",
                   *lines, log)
    site = Site(world)
    server.forget()
    lines, log = site.run("key=unknown,+0")
    results.equal((lines[0].split()[1], server.count()), ("no-key", 1),
                  "an unknown kid of a cold cache: one request", *lines, log)


def try_cooldown(results, world):
    server = world.server
    site = Site(world)
    now = int(time.time())
    site.run(f"get={now}")
    server.forget()
    asked = []
    for at in (*range(1, 62, 5), *range(62, 3600, 9)):
        before = server.count()
        site.run(f"key=unknown,{now + at}")
        if server.count() > before:
            asked.append(at)
    gaps = [later - earlier for earlier, later in zip(asked, asked[1:])]
    results.equal((asked[0], gaps[:6]), (1, [10] * 6),
                  "unknown kids for an hour: every 10 s in the first minute")
    # Looked for every 9 s, so each gap is the cooldown and at most 8 s more.
    wanted = [20, 40, 80, 160, *[300] * 20]
    results.result(len(gaps) > 12 and all(want <= gap <= want + 8 for want, gap in
                                          zip(wanted, gaps[6:])),
                   "then 20, 40, 80, 160 and 300 s between", gaps)
    results.equal(server.count(), len(asked), "one request each")
    last = now + asked[-1]
    server.scripts["/jwks"] = body(world.set2)
    line, log = site.one(f"key=k2,{last + 299}")
    results.result(line.startswith("key no-key"), "a new key late in the flood waits", line, log)
    line, log = site.one(f"key=k2,{last + 300}")
    results.result(line.startswith("key ok"), "300 s at most", line, log)
    count = server.count()
    site.run(f"key=unknown,{last + 309}")
    results.equal(server.count(), count, "the cooldown is 10 s again")
    site.run(f"key=unknown,{last + 310}")
    results.equal(server.count(), count + 1, "and over after them")


def try_flood_forgotten(results, world):
    """A flood that has ended delays no key of later."""
    server = world.server
    site = Site(world)
    start = int(time.time())
    site.run(f"get={start}")
    for at in (*range(10, 101, 15), 125):
        now = start + at
        site.run(f"key=unknown,{now}")
    count = server.count()
    results.equal(count, 9, "a fetch, and eight that bring nothing new")
    site.run(f"key=unknown,{now + 39}")
    results.equal(server.count(), count, "eight barren fetches: 40 s until the next")
    site.run(f"key=unknown,{now + 81}")
    site.run(f"key=unknown,{now + 91}")
    results.equal(server.count(), count + 2, "after twice as long without any: 10 s again")


def try_flood(results, world):
    server = world.server
    site = Site(world)
    site.run("get=+0")
    server.forget()
    start = time.monotonic()
    flood = site.start("flood=10000,16")
    time.sleep(0.5)
    server.scripts["/jwks"] = body(world.set2)
    accepted = None
    while accepted is None and time.monotonic() - start < 15:
        if site.one("key=k2,+0")[0].startswith("key ok"):
            accepted = time.monotonic() - start
        time.sleep(0.2)
    out, log = flood.communicate(timeout=60)
    cooldowns = 1 + int((time.monotonic() - start) // 10)
    results.result("flood 0 10000" in out, "10 000 invented kids are refused", out, log)
    results.result(1 <= server.count() <= cooldowns + (accepted is not None),
                   "at most one request in a cooldown for them", server.count(), cooldowns)
    results.result(accepted is not None and accepted <= 11.5,
                   "a new key published meanwhile is accepted within 10 s", accepted)





def try_herd(results, world):
    server = world.server
    for after in (0, 2):
        world.reset()
        server.scripts["/jwks"] = body(world.set, after=after)
        site = Site(world)
        line, log = site.one("herd=1000,k1")
        results.result(line.startswith("herd 1000 0 "),
                       f"1000 processes, answer after {after} s: all succeed", line, log[-2000:])
        results.equal(server.count(), 1, f"1000 processes, answer after {after} s: one request")
    world.reset()
    server.scripts["/jwks"] = status(500)
    site = Site(world)
    line, log = site.one("herd=1000,k1")
    results.result(line.startswith("herd 0 1000 ") and server.count() <= 2,
                   "1000 processes, an error: hardly more than one request", line, server.count())
    world.reset()
    site = Site(world)
    line, log = site.one("threads=64")
    results.result(line.startswith("threads 64 0 ") and server.count() == 1,
                   "64 threads: one request", line, server.count(), log)


def try_strangers(results, world):
    """Tokens with invented kids while the provider is slow do not stop a host with threads."""
    server = world.server
    for kids, after, what in (("x*", 3, "invented kids"), ("x", 3, "one invented kid"),
                              ("k2", 3, "a new kid")):
        world.reset()
        site = Site(world)
        site.run("get=+0")
        server.scripts["/jwks"] = body(world.set2, after=after)
        line, log = site.one(f"threads=16,{kids}")
        results.result(line.startswith("threads ") and 4 <= int(line.split()[3]) <= 5,
                       f"{what}, answer after {after} s: a few threads of 16 wait for it", line, log)
    world.reset()
    site = Site(world)
    site.run("get=+0")
    server.scripts["/jwks"] = body(world.set2, after=0.1)
    line, log = site.one("threads=16,k2")
    results.result(line.startswith("threads 16 0 "), "a new kid, answer after 0.1 s: all find it",
                   line, log)
    world.reset()
    slow, quick = body(world.set, after=3), body(world.set)
    server.scripts["/jwks"] = lambda handler: (slow if server.count() > 6 else quick)(handler)
    asks = [step for number in range(1, 6) for step in ("sleep=150", f"key=invented,+{11 * number}")]
    lines, log = Site(world).run("get=+0", *asks, "sleep=150", "threads=16,x*")
    results.result(server.count() == 7 and 4 <= int(lines[-1].split()[3]) <= 5,
                   "whoever has waited leaves room for others", server.count(), *lines, log)
    world.reset()
    server.scripts["/jwks"] = body(world.set, after=1)
    line, log = Site(world).one("threads=16")
    results.result(line.startswith("threads 16 0 "), "no keys yet, answer after 1 s: all wait",
                   line, log)


def try_slow_failure(results, world):
    """A pause is counted from the end of what it follows, not from its beginning."""
    server = world.server

    def fail(handler):
        time.sleep(3)
        handler.reply(500, b"")

    site = Site(world)
    site.run("get=+0")
    server.scripts["/jwks"] = fail
    lines, log = site.run("key=a,+0", "key=b,+9")
    results.equal(server.count(), 2, "no other request 9 s after one that took 3 s",
                  *lines, log)


def try_stopped(results, world):
    """SIGSTOP of a process that holds the lock."""
    site = Site(world)
    holder = site.start("lock=", "wait=")
    results.equal(holder.stdout.readline(), "lock yes\n", "a process has the lock")
    os.kill(holder.pid, signal.SIGSTOP)
    start, began = time.monotonic(), int(time.time())
    line, log = site.one("herd=200,k1")
    took = time.monotonic() - start
    results.result(line.startswith("herd 200 0 "), "and is stopped: 200 others have the keys", line,
                   log[-2000:])
    results.result(1 <= world.server.count() <= 2, "one of them fetched for the rest",
                   world.server.count())
    results.result(11 < took < 20, "after the fetch deadline", took)
    age = int(re.search(r"(?m)^fetched (\d+)$", site.cached.read_text())[1]) - began
    results.result(11 <= age <= 20, "and its keys are no older than its request", age)
    second = site.start("lock2=", "wait=")
    results.equal(second.stdout.readline(), "lock yes\n", "another has the second lock, too")
    os.kill(second.pid, signal.SIGSTOP)
    world.server.forget()
    start = time.monotonic()
    slow = site.start("get=+3700")
    insists = site.start("force=+3700")
    out, log = insists.communicate(timeout=60)
    results.result(out.startswith("force ok") and 23 < time.monotonic() - start < 27,
                   "and is stopped: who insists fetches after twice the deadline", out, log)
    out, log = slow.communicate(timeout=60)
    results.result(out.startswith("get ok"), "and who cannot wait any longer is served", out, log)
    results.equal(world.server.count(), 1, "by one request")
    for process in (holder, second):
        os.kill(process.pid, signal.SIGCONT)
        process.communicate("\n")


def try_killed(results, world):
    """kill -9 of the helper, and of a writer of the cache, 100 runs each."""
    server = world.server
    chance = random.Random(3)
    server.scripts["/jwks"] = body(world.set + b" " * 200000)
    site = Site(world)
    site.run("get=+0")
    failures = []
    for number in range(100):
        writer = site.start("write=0")
        writer.stdout.readline()
        time.sleep(chance.random() * 0.02)
        writer.kill()
        writer.communicate()
        server.forget()
        line, log = site.one("get=+0")
        if " ok " not in line or log or server.count() != 0:
            failures.append((number, line, log))
    results.equal(failures, [], "a writer of the cache is killed, 100 times")
    for path in site.own.glob(".*"):
        os.utime(path, (0, 0))
    site.run("force=+0")
    results.equal(list(site.own.glob(".*")), [], "what it left behind is cleared away")
    failures = []
    for number in range(100):
        host = site.start("force=+0")
        time.sleep(chance.random() * 0.04)
        for pid in filter(str.isdigit, os.listdir("/proc")):
            if is_helper(pid):
                with contextlib.suppress(OSError):
                    os.kill(int(pid), signal.SIGKILL)
        out, log = host.communicate(timeout=20)
        line, log = site.one("get=+0")
        if " ok " not in line or log:
            failures.append((number, out, line, log))
    results.equal(failures, [], "the helper is killed, 100 times")





def try_size(results, world):
    """
    A host that starts, loads the configuration and finds its key. It is next to nothing of a login,
    and even so reading 1000 keys must not be most of it.
    """
    sites = {}
    for count in (1, 10, 100, 1000):
        jwks = [world.key | {"kid": f"k{number}"} for number in range(count)]
        world.server.scripts["/jwks"] = body(jwk_set(*jwks))
        sites[count] = Site(world)
        sites[count].run("get=+0")
    times = {count: [] for count in sites}
    for _ in range(31):
        for count, site in sites.items():
            start = time.monotonic()
            site.run(f"key=k{count // 2},+0")
            times[count].append(time.monotonic() - start)
    best = {count: min(taken) for count, taken in times.items()}
    ratio = max(best.values()) / best[1]
    print(f"# seconds: {best}")
    results.result(ratio <= 2.5, "1, 10, 100 and 1000 keys: the slowest takes at most 2.5 times",
                   ratio, best)
