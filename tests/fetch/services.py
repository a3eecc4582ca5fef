# SPDX-License-Identifier: BSD-2-Clause
"""Several users on one host: services with a cache of their own, and programs between two users."""

import contextlib
import os
import shutil
import struct
import subprocess

from steps import fetched
from world import (BUILD, COMMAND, HELPER, OTHER_ID, ROOT, Site, body, jwk_set, new_jwk, status)

BETWEEN = BUILD / "tests" / "fetch" / "between"
USER = 64903  # whoever has files of his own and starts what others installed
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


# The extended attribute that gives a program the capability to bind low ports, and that is all.
CAPABILITY = struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0)

# How it is installed (owner, group, mode), how it goes on, and whom it trusts beside root.
PROGRAMS = {
    "the user's own program": (0, 0, 0o755, [], USER),
    "a setuid program of root": (0, 0, 0o4755, [], 0),
    "a setuid program of another": (OTHER_ID, 0, 0o4755, [], 0),
    "a setuid program of root that became root": (0, 0, 0o4755, ["settle"], 0),
    "a setuid program of another that became that user": (OTHER_ID, 0, 0o4755, ["settle"], 0),
    "a setgid program": (0, OTHER_ID, 0o2755, [], 0),
    "a setgid program that took the group on": (0, OTHER_ID, 0o2755, ["settle"], 0),
    "a program with a capability": (0, 0, 0o755, [], 0),
}


class Planted:
    """A user's own folder, and what he would have programs believe that others installed."""

    def __init__(self, world):
        self.world = world
        self.folder = world.folder / "planted"
        self.programs = world.folder / "programs"
        self.programs.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "suid,exec,mode=755", "tmpfs",
                        self.programs], check=True)
        (self.folder / "jwtauth").mkdir(parents=True)
        self.evil = jwk_set(new_jwk("evil"))
        (self.folder / "keys.json").write_bytes(self.evil)
        self.give()

    def give(self):
        for path in (self.folder, *self.folder.rglob("*")):
            os.chown(path, USER, USER, follow_symlinks=False)

    def close(self):
        subprocess.run(["umount", self.programs], check=True)

    def install(self, name):
        owner, group, mode, more, trusted = PROGRAMS[name]
        path = self.programs / "between"
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        shutil.copy(BETWEEN, path)
        os.chown(path, owner, group)
        path.chmod(mode)
        if "capability" in name:
            os.setxattr(path, "security.capability", CAPABILITY)
        return more, trusted

    def run(self, config, more):
        """As the user, with an environment that points to his files wherever one could."""
        places = {name: str(self.folder) for name in
                  ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_DIRS", "XDG_DATA_HOME",
                   "TMPDIR", "CACHE_DIRECTORY", "CONFIGURATION_DIRECTORY", "JWTAUTH_CACHE")}
        places |= {"JWTAUTH_CONFIG": str(self.folder / "jwtauth" / "jwtauth.yaml"),
                   "SSL_CERT_FILE": "/dev/null"}
        done = subprocess.run([self.programs / "between", config, HELPER, *more], text=True,
                              capture_output=True, check=False, env=places, cwd=self.folder,
                              user=USER, group=USER, extra_groups=[])
        return done.stdout.splitlines(), done.stderr


def plant_cache(site, planted, world):
    """Caches of users, filled as each may fill his own; the server then has the true keys again."""
    world.server.scripts["/jwks"] = body(planted.evil)
    for uid in (USER, OTHER_ID):
        own = site.directory / str(uid)
        own.mkdir(mode=0o700)
        os.chown(own, uid, uid)
        site.run("get=+0", expected=uid, user=uid, group=uid, extra_groups=[])
    world.server.scripts["/jwks"] = body(world.set)
    world.server.forget()


def try_between_users(results, world):
    """Whose files count in programs that have other rights than the user who starts them."""
    if not ROOT:
        results.skip("programs between two users", "only root can install them")
        return
    with contextlib.closing(Planted(world)) as planted:
        for name in PROGRAMS:
            more, trusted = planted.install(name)
            own = trusted == USER
            site = Site(world, more="    stale_if_error: 1h")
            plant_cache(site, planted, world)
            lines, log = planted.run(site.config, more)
            results.equal(lines[:1], [f"owner {trusted} secure {'no' if own else 'yes'}"],
                          f"{name}: trusts root{' and the user' if own else ' alone'}", log)
            results.equal((lines[1:], world.server.count()),
                          (["conf ok", f"keys corp ok {'evil' if own else 'k1'}"], int(not own)),
                          f"{name}: a user's cache {'counts' if own else 'does not count'}", log)
            try_planted_files(results, world, planted, name)


def try_planted_files(results, world, planted, name):
    own = PROGRAMS[name][4] == USER
    more = PROGRAMS[name][3]
    # A configuration of the user's own.
    site = Site(world)
    config = planted.folder / "jwtauth" / "jwtauth.yaml"
    shutil.copy(site.config, config)
    planted.give()
    lines, log = planted.run(config, more)
    results.result(lines[1:2] == [f"conf {'ok' if own else 'conf-insecure'}"] and
                   ("owned by another user" in log) != own,
                   f"{name}: a configuration of the user's {'counts' if own else 'is refused'}",
                   *lines, log)
    # A key file of the user's own that root's configuration names.
    site.configure(f"file:{planted.folder}/keys.json")
    lines, log = planted.run(site.config, more)
    results.equal(lines[2:], ["keys corp ok evil" if own else "keys corp keys-insecure "],
                  f"{name}: a key file of the user's {'counts' if own else 'is refused'}", log)
    # And root's file, reached by a link that the user can make lead elsewhere.
    (world.folder / "root.json").write_bytes(world.set)
    link = planted.folder / "link"
    if not link.is_symlink():
        link.symlink_to(world.folder)
    planted.give()
    site.configure(f"file:{link}/root.json")
    lines, log = planted.run(site.config, more)
    results.equal(lines[2:], ["keys corp ok k1" if own else "keys corp keys-insecure "],
                  f"{name}: a link of the user's to root's file "
                  f"{'is followed' if own else 'is refused'}", log)


def try_between_identities(results, world):
    """Root's process that took on one user's identity really and another's effectively."""
    if not ROOT:
        results.skip("processes between two users", "only root can become others")
        return
    for real, effective, trusted in ((USER, OTHER_ID, 0), (OTHER_ID, USER, 0), (0, USER, 0),
                                     (USER, 0, 0), (USER, USER, USER), (0, 0, 0)):
        site = Site(world)
        world.server.scripts["/jwks"] = status(503)
        done = subprocess.run([BETWEEN, site.config, HELPER, str(real), str(effective)], text=True,
                              capture_output=True, check=False)
        results.equal(done.stdout.splitlines()[:1], [f"owner {trusted} secure no"],
                      f"real uid {real}, effective uid {effective}: trusts uid {trusted}",
                      done.stderr)
