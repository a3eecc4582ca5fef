# SPDX-License-Identifier: BSD-2-Clause
"""Programs with root's rights that a user starts: he sets their limits and may kill what they start."""

import contextlib
import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import sys
import time

from trust import REFRESHER, Planted
from world import HELPER, HURRIES, OTHER_ID, RAISES, ROOT, USER, Site, body, status

MIB = 1 << 20
# What a user may set before he starts a setuid program. Some let nothing start any more.
LIMITS = (
    *(("NOFILE", number) for number in (3, 4, 5, 6, 7, 8, 10)),
    *(("AS", number * MIB) for number in (8, 12, 16, 20, 40)),
    ("DATA", MIB), ("DATA", 3 * MIB), ("STACK", 65536), ("CPU", 0),
    ("FSIZE", 0), ("FSIZE", 300), ("NPROC", 0), ("CORE", 0),
)


def limited(name, value):
    def before():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))
    return before


def traces(site):
    """Whatever a login may leave in root's cache, but for the keys."""
    return {path.name: path.read_text() for path in site.own.iterdir()
            if path.name not in ("corp.jwks", "corp.lock", str(OTHER_ID))}


def setuid(world):
    planted = Planted(world)
    planted.install("a setuid program of root")
    return contextlib.closing(planted)


def try_delegation(results, world):
    """A setuid program has root's keys refreshed by a process that is root alone."""
    if not ROOT:
        results.skip("refreshing for setuid programs", "only root can install them")
        return
    with setuid(world) as planted:
        site = Site(world)
        lines, log = planted.run(site.config, [])
        results.equal((lines[2:], world.server.count(), site.cached.stat().st_uid),
                      (["keys corp ok k1"], 1, 0), "a cold cache is filled, as root", log)
        lines, log = planted.run(site.config, [])
        results.equal((lines[2:], world.server.count()), (["keys corp ok k1"], 1),
                      "and serves the next", log)
        world.server.scripts["/jwks"] = body(world.set2)
        lines, log = planted.run(site.config, [], kid="k2")
        results.equal((lines[2:], world.server.count()), (["keys corp ok k1,k2"], 2),
                      "a new key is found", log)
        lines, log = planted.run(site.config, [], kid="invented")
        results.result(lines[2:] == ["keys corp ok k1,k2"] and world.server.count() == 2 and
                       "s ago" in log, "an unknown one is not asked for within the cooldown",
                       *lines, log)
        site = Site(world)
        world.server.scripts["/jwks"] = status(503)
        lines, log = planted.run(site.config, [])
        results.result(lines[2:] == ["keys corp keys-unavailable "] and "503" in log and
                       "failures 1\n" in traces(site)["corp.state"],
                       "what the provider answers is reported and remembered", *lines, log)
        for name, refresher, reason in (("no refresher", "/nonexistent", "cannot be started"),
                                        ("one that says nothing", "/bin/true", "refreshed nothing")):
            site = Site(world)
            lines, log = planted.run(site.config, [], refresher=refresher)
            results.result(lines[2:] == ["keys corp keys-unavailable "] and reason in log and
                           traces(site) == {}, f"{name}: this login fails, and nothing is kept",
                           *lines, log)
        site = Site(world)
        world.reset()
        site.run("get=-3000")
        (site.own / "corp.lock").unlink()
        lines, log = planted.run(site.config, [], refresher="/bin/true")
        results.result(lines[2:] == ["keys corp ok k1"] and not (site.own / "corp.lock").exists(),
                       "ahead of expiry, no lock is taken, not even for a look", *lines, log)
        site = Site(world)
        site.directory.chmod(0o777)
        world.reset()
        lines, log = planted.run(site.config, [])
        results.result(lines[2:] == ["keys corp keys-unavailable "] and
                       world.server.count() == 0 and "can keep nothing" in log,
                       "where the cache can keep nothing, nothing is fetched", *lines, log)


def try_without_root(results, world):
    """A program between two users without root's rights has nothing fetched, for either."""
    if not ROOT:
        results.skip("programs between users without root's rights", "only root can install them")
        return
    with contextlib.closing(Planted(world)) as planted:
        planted.install("a setuid program of another")
        site = Site(world)
        own = site.directory / str(OTHER_ID)
        own.mkdir(mode=0o700)
        os.chown(own, OTHER_ID, OTHER_ID)
        lines, log = planted.run(site.config, [])
        results.result(lines[2:] == ["keys corp keys-unavailable "] and "all of root's rights" in log,
                       "no keys, and why", *lines, log)
        results.equal((world.server.count(), list(own.iterdir())), (0, []), "nothing is done")
        site.run("get=-3000")
        world.server.forget()
        lines, log = planted.run(site.config, [])
        time.sleep(1)
        results.equal((lines[2:], world.server.count(), list(own.iterdir())),
                      (["keys corp ok k1"], 0, []), "nor ahead of expiry", log)
        done = subprocess.run([REFRESHER, "keys", "refresh", "--background", "--config",
                               site.config], check=False, stdin=subprocess.DEVNULL,
                              preexec_fn=lambda: os.setresuid(USER, OTHER_ID, OTHER_ID))
        results.equal(done.returncode, 3, "a refresher that is started so gives up")


REPORT = """#!{python} -I
import socket
login = socket.socket(fileno=0)
for packet in {said!r}:
    login.send(packet)
"""


def try_reports(results, world):
    """What a login takes from what its refresher says."""
    if not ROOT:
        results.skip("reports to setuid programs", "only root can install them")
        return
    with setuid(world) as planted:
        for name, said, reason in (
                ("a reason", (b"keys-unavailable a b c",), ': a b c$'),
                ("a code that it does not know", (b"some-other-code a b c",), ": a b c$"),
                ("success, but keys nowhere", (b"ok ",), "not there"),
                ("no name of a code", (b" ok",), ": ok$"),
                ("an empty message", (b"",), "refreshed nothing"),
                ("two messages, the first of which counts", (b"keys-unavailable a", b" b"), ": a$"),
                ("characters that are none of a line", (b"keys-unavailable a\nb\x1b[2J",),
                 r": a.b.\[2J$")):
            site = Site(world)
            program = site.folder / "refresher"
            program.write_text(REPORT.format(python=sys.executable, said=said))
            program.chmod(0o755)
            lines, log = planted.run(site.config, [], refresher=program)
            results.result(lines[2:] == ["keys corp keys-unavailable "] and
                           re.search(reason, log, re.MULTILINE) and "\x1b" not in log,
                           f"its refresher says {name}", *lines, log)


def try_refused(results, world):
    """A refresher that cannot begin says so at once."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        subprocess.run([REFRESHER, "keys", "refresh", "--for-login=due", "--issuer", "corp",
                        "--config", world.folder / "none.yaml"], stdin=theirs, check=False,
                       stderr=subprocess.DEVNULL, timeout=20)
        theirs.close()
        report = ours.recv(4096)
    reason = b"conf-missing " if ROOT else b"keys-unavailable "
    results.result(report.startswith(reason), "a refresher without a configuration", report)


def try_limits(results, world):
    """Whatever limits a user sets, nothing of it reaches others."""
    if not ROOT:
        results.skip("limits of setuid programs", "only root can install them")
        return
    with setuid(world) as planted:
        for name, value in LIMITS:
            for kid, aged in (("invented", 0), ("-", 4000)):
                site = Site(world)
                now = int(time.time())
                site.run(f"get={now - aged}")
                before = traces(site)
                world.reset()
                lines, log = planted.run(site.config, [], kid=kid, before=limited(name, value))
                asked = world.server.count()
                after = traces(site)
                results.result(asked <= 1 and (after == before if asked == 0 else
                                               "failures 0\n" in after["corp.state"] and
                                               set(after) == {"corp.state"}),
                               f"RLIMIT_{name} {value}, {'unknown kid' if aged == 0 else 'expired'}: "
                               "no failure is written down, nothing left behind",
                               asked, before, after, *lines, log)
                line, log = site.one(f"get=+{3600 - aged}")
                results.result(" ok " in line and "the last attempt" not in log,
                               "and the next login fetches", line, log)


def try_background_limits(results, world):
    """The refresh that a login starts ahead of expiry has limits of its own."""
    if not ROOT:
        results.skip("limits of refreshing ahead", "only root can install setuid programs")
        return
    with setuid(world) as planted:
        sites = {}
        for name, value in ((None, None), *LIMITS):
            site = Site(world)
            site.run("get=-3000")
            sites[name, value] = site, traces(site)
        world.reset()
        for (name, value), (site, before) in sites.items():
            planted.run(site.config, [], before=limited(name, value) if name else None)
        time.sleep(2)
        for (name, value), (site, before) in sites.items():
            after = traces(site)
            results.result((after == before and name) or set(after) == {"corp.state"} and
                           after != before and "failures 0\n" in after["corp.state"],
                           f"ahead, RLIMIT_{name} {value}: no failure is written down", before, after)


def at_work():
    """Refreshers and helpers of this build, by whatever mount they were started."""
    for number in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            program = pathlib.Path(f"/proc/{number}/exe")
            for known in (REFRESHER, HELPER):
                if program.samefile(known):
                    yield int(number), known.name


# What each has, whatever it was started with.
LIMITS_OF = {
    REFRESHER.name: {"open files": 64, "file size": 16 * MIB, "address space": 1024 * MIB,
                     "cpu time": 20, "core file size": 0, "processes": 256, "stack size": 8 * MIB},
    HELPER.name: {"open files": 64, "file size": 0, "address space": 1024 * MIB, "cpu time": 5,
                  "core file size": 0},
}


def handicap():
    """What a user may do to himself before he starts a setuid program, which still starts."""
    for name, value in (("NOFILE", 32), ("FSIZE", 4096), ("AS", 512 * MIB), ("CPU", 4),
                        ("NPROC", 1000), ("STACK", 4 * MIB)) if RAISES else ():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))
    os.nice(7 * HURRIES)
    os.umask(0)
    if HURRIES:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    subprocess.run(["ionice", "-c", "3", "-p", str(os.getpid())], check=True)


def both_at_work(results, world):
    deadline = time.monotonic() + 5
    while world.server.count() == 0 and time.monotonic() < deadline:
        time.sleep(0.02)
    found = dict(at_work())
    results.equal(sorted(found.values()), sorted((REFRESHER.name, HELPER.name)),
                  "refresher and helper are at work")
    return found


def place(pid):
    """The cgroup of version 2."""
    return re.search(r"(?m)^0::(.*)$", pathlib.Path(f"/proc/{pid}/cgroup").read_text())[1]


def enter(group):
    """Starts a process there, and says where it finds itself; raises OSError where none may."""
    script = "import sys; open(sys.argv[1], 'w').write('0'); print(open('/proc/self/cgroup').read())"
    done = subprocess.run([sys.executable, "-c", script, group / "cgroup.procs"], text=True,
                          capture_output=True, check=False)
    if done.returncode != 0:
        raise OSError(done.stderr.splitlines()[-1])
    return re.search(r"(?m)^0::(.*)$", done.stdout)[1]


def try_cgroup(results, world):
    """The user may own the cgroup that a setuid program runs in; he cannot freeze who has a lock."""
    tops = [path for path in map(pathlib.Path, ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"))
            if (path / "cgroup.procs").exists()]
    group = tops[0] / f"jwtauth-test-{os.getpid()}" if tops else None
    try:
        if not ROOT or group is None:
            raise OSError("not root, or no cgroup version 2")
        top = enter(tops[0])
        group.mkdir()
    except OSError as error:
        results.skip("cgroups of setuid programs", str(error))
        return
    world.server.scripts["/jwks"] = body(world.set, after=2)
    try:
        with setuid(world) as planted:
            site = Site(world)
            login = os.fork()
            if login == 0:
                (group / "cgroup.procs").write_text("0")
                planted.run(site.config, [])
                os._exit(0)
            found = both_at_work(results, world)
            results.result(place(login) != top, "the login is in a cgroup of its own", place(login))
            for pid, name in found.items():
                results.equal(place(pid), top, f"{name}: has left it")
            os.waitpid(login, 0)
    finally:
        group.rmdir()


def try_signals(results, world):
    """The user cannot stop or kill what holds root's lock, nor what talks to the issuer."""
    if not ROOT:
        results.skip("signals to what setuid programs start", "only root can install them")
        return
    world.server.scripts["/jwks"] = body(world.set, after=2)
    with setuid(world) as planted:
        site = Site(world)
        login = os.fork()
        if login == 0:
            planted.run(site.config, [], groups=[OTHER_ID], before=handicap)
            os._exit(0)
        found = both_at_work(results, world)
        for pid, name in found.items():
            words = dict(re.findall(r"(?m)^(\w+):[ \t]*(.*)$",
                                    pathlib.Path(f"/proc/{pid}/status").read_text()))
            ids = words["Uid"].split()
            results.result(len(set(ids)) == 1 and str(USER) not in ids and not may_signal(pid),
                           f"{name}: is one user, and no process of the login's may signal it", ids)
            results.equal((words["Gid"].split(), words["Groups"].split()), (ids, []),
                          f"{name}: its groups are that user's")
            results.equal((words["Umask"], os.getpriority(os.PRIO_PROCESS, pid), os.getsid(pid)),
                          ("0077", 0, pid), f"{name}: has umask, priority and session of its own")
            ionice = subprocess.run(["ionice", "-p", str(pid)], text=True, capture_output=True,
                                    check=True).stdout
            results.result(os.sched_getscheduler(pid) == os.SCHED_OTHER and "none" in ionice and
                           os.sched_getaffinity(pid) >= os.sched_getaffinity(0),
                           f"{name}: and is scheduled as others are", os.sched_getaffinity(pid),
                           os.sched_getscheduler(pid), ionice)
            limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
            wanted = LIMITS_OF[name]
            results.result(all(re.search(rf"(?m)^Max {what} +{value} +{value} ", limits)
                               for what, value in wanted.items()),
                           f"{name}: and limits", wanted, limits)
        os.waitpid(login, 0)


def may_signal(pid):
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setresgid(USER, USER, USER)
        os.setresuid(USER, USER, USER)
        try:
            os.kill(pid, signal.SIGCONT)
            os._exit(0)
        except OSError:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0
