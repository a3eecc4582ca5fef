# SPDX-License-Identifier: BSD-2-Clause
"""Services that are not root: their directories in the cache, and how they share keys with root."""

import os
import shutil
import subprocess

from steps import fetched
from world import COMMAND, OTHER_ID, ROOT, USER, Site, body, jwk_set, new_jwk

OTHER = {"user": OTHER_ID, "group": OTHER_ID, "extra_groups": []}


def refresh(site, **options):
    return subprocess.run([COMMAND, "keys", "refresh", "--config", site.config], text=True,
                          capture_output=True, check=False, **options)


def service_site(world, users="[other, no-such-user]"):
    """A site whose keys are in root's cache, so that refreshing fetches nothing."""
    site = Site(world, top=f"service_users: {users}")
    site.run("get=+0")
    world.server.forget()
    return site, site.directory / str(OTHER_ID)


def facts(path):
    found = path.lstat()
    return found.st_uid, found.st_gid, oct(found.st_mode)


def try_service_users(results, world):
    """The directories of service_users, which root makes."""
    if not ROOT:
        results.skip("service_users", "only root makes directories for others")
        return
    site, folder = service_site(world)
    done = refresh(site, umask=0o777)
    results.equal((done.returncode, done.stderr, facts(folder)), (0, "", (OTHER_ID, 0, "0o40700")),
                  "keys refresh makes a directory for a service's user, whatever the umask")
    results.equal(sorted(os.listdir(site.directory)),
                  sorted([str(OTHER_ID), "corp.jwks", "corp.lock", "corp.state"]),
                  "and nothing else, nor anything for a user who does not exist")
    (folder / "corp.jwks").touch()
    done = refresh(site)
    results.equal((done.returncode, done.stderr, os.listdir(folder)), (0, "", ["corp.jwks"]),
                  "one that is there is left as it is")
    shutil.rmtree(folder)
    several = [subprocess.Popen([COMMAND, "keys", "refresh", "--config", site.config])
               for _ in range(20)]
    results.equal(([process.wait() for process in several], facts(folder)),
                  ([0] * 20, (OTHER_ID, 0, "0o40700")), "20 at once make it once")
    results.equal([name for name in os.listdir(site.directory) if name.startswith(".")], [],
                  "and leave nothing behind")
    shutil.rmtree(site.directory)
    done = refresh(site)
    results.equal((facts(site.directory), facts(folder)),
                  ((0, 0, "0o40755"), (OTHER_ID, 0, "0o40700")),
                  "cache_dir itself is made, too", done.stderr)
    site, folder = service_site(world, "other")
    done = refresh(site, user=OTHER_ID, group=OTHER_ID, extra_groups=[])
    results.equal((folder.exists(), done.returncode), (False, 0), "nobody but root makes any",
                  done.stderr)


def in_place(world, name):
    """What may stand in the place of a service's directory, and what is said of it."""
    def directory(owner, mode):
        def make(path):
            path.mkdir()
            os.chown(path, owner, 0)
            path.chmod(mode)
        return make

    def link(path):
        target = world.folder / f"target-{name.replace(' ', '-')}"
        target.mkdir()
        path.symlink_to(target)

    return {
        "a link": (link, "is a symbolic link"),
        "a file": (lambda path: path.touch(), "is no directory"),
        "a directory of root": (directory(0, 0o755), "is owned by another user"),
        "a directory of a third": (directory(USER, 0o700), "is owned by another user"),
        "one that its group may write to": (directory(OTHER_ID, 0o770), "is writable by group"),
        "one that all may write to": (directory(OTHER_ID, 0o1777), "is writable by group or others"),
        "one closed to its owner": (directory(OTHER_ID, 0o555), "is closed to its owner"),
    }[name]


def try_service_places(results, world):
    """What stands in a directory's place is never given away, nor changed."""
    if not ROOT:
        results.skip("places of service_users", "only root makes directories for others")
        return
    for name in ("a link", "a file", "a directory of root", "a directory of a third",
                 "one that its group may write to", "one that all may write to",
                 "one closed to its owner"):
        make, reason = in_place(world, name)
        site, folder = service_site(world)
        make(folder)
        before = facts(folder), facts(folder.resolve())
        done = refresh(site)
        results.result(done.returncode == 2 and f"{folder} {reason}" in done.stderr,
                       f"{name} in its place is reported", done.returncode, done.stderr)
        results.equal((facts(folder), facts(folder.resolve())), before, f"{name} is left as it is")
    site, folder = service_site(world)
    folder.mkdir(mode=0o755)
    os.chown(folder, OTHER_ID, OTHER_ID)
    done = refresh(site)
    results.equal((done.returncode, facts(folder)), (0, (OTHER_ID, OTHER_ID, "0o40755")),
                  "one that others may only look into will do", done.stderr)
    for mode, owner in ((0o1777, 0), (0o775, 0), (0o755, OTHER_ID)):
        site, folder = service_site(world)
        os.chown(site.directory, owner, 0)
        site.directory.chmod(mode)
        done = refresh(site)
        results.result(done.returncode != 0 and not folder.exists() and
                       f"service_users: other: {site.directory} is " in done.stderr,
                       f"none is made in a cache_dir of uid {owner} with mode {mode:o}",
                       done.returncode, done.stderr)


def try_service_keys(results, world):
    """How a service that is not root shares keys with root."""
    if not ROOT:
        results.skip("keys of service_users", "only root can become others")
        return
    server = world.server
    site, folder = service_site(world)
    refresh(site)
    fetched(results, site, "root's keys serve a service", expected=OTHER_ID, **OTHER)
    results.equal((server.count(), os.listdir(folder)), (0, []), "without a request")
    root = site.cached.read_bytes()
    server.scripts["/jwks"] = body(world.set2)
    line, log = site.one("key=k2,+10", expected=OTHER_ID, **OTHER)
    results.result(line.startswith("key ok"), "a key that root has not seen is fetched", line, log)
    results.equal((facts(folder / "corp.jwks")[0], site.cached.read_bytes() == root),
                  (OTHER_ID, True), "into the service's own directory")
    server.forget()
    fetched(results, site, "and serves it from there", "get=+11", "k1,k2", expected=OTHER_ID,
            **OTHER)
    fetched(results, site, "but not root", "get=+11", "k1")
    results.equal(server.count(), 0, "without a request")
    third = new_jwk("k3")
    server.scripts["/jwks"] = body(jwk_set(world.key, third))
    site.run("force=+20")
    server.forget()
    fetched(results, site, "newer keys of root serve the service", "get=+21", "k1,k3",
            expected=OTHER_ID, **OTHER)
    results.equal(server.count(), 0, "without a request")
    for path in (site.cached, folder / "corp.jwks"):
        path.unlink()
    server.scripts["/jwks"] = body(world.set, after=1)
    herds = [site.start("herd=100,k1", expected=OTHER_ID, **OTHER),
             site.start("herd=100,k1", expected=OTHER_ID, **OTHER), site.start("herd=100,k1")]
    lines = [herd.communicate(timeout=60)[0] for herd in herds]
    results.equal([line.split()[1:3] for line in lines], [["100", "0"]] * 3,
                  "300 processes of two users at once: all succeed")
    results.equal(server.count(), 2, "300 processes of two users at once: one request of each user")
