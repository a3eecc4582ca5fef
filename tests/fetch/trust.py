# SPDX-License-Identifier: BSD-2-Clause
"""Whose files are believed: each rule by itself, and programs that run between two users."""

import contextlib
import os
import shutil
import struct
import subprocess

from services import OTHER
from world import BUILD, HELPER, OTHER_ID, ROOT, USER, Site, body, jwk_set, new_jwk, status

BETWEEN = BUILD / "tests" / "fetch" / "between"
REFRESHER = BUILD / "tests" / "fetch" / "refresher"  # jwtauth, with the helper of the build


def owner(uid):
    return lambda path: os.chown(path, uid, uid)


def mode(bits):
    return lambda path: path.chmod(bits)


def above(change):
    return lambda path: change(path.parent)


def linked(make):
    """Another name for a file of the same content and owner, elsewhere in trusted hands."""
    def change(path):
        aside = path.parent.parent / "aside"
        path.rename(aside)
        make(aside, path)
    return change


# What is done to root's cache file, and whether it serves root and a service after that.
TRUST = {
    "that is root's own": (lambda path: None, True, True),
    "owned by the service": (owner(OTHER_ID), False, False),
    "owned by a third": (owner(USER), False, False),
    "writable by its group": (mode(0o664), False, False),
    "writable by others": (mode(0o646), False, False),
    "that is a symbolic link to root's": (linked(lambda old, new: new.symlink_to(old)), False, False),
    "that is a hard link to root's": (linked(lambda old, new: new.hardlink_to(old)), True, True),
    "in a directory of the service": (above(owner(OTHER_ID)), False, False),
    "in a directory of a third": (above(owner(USER)), False, False),
    "in a directory writable by its group": (above(mode(0o775)), False, False),
    "in a directory writable by others": (above(mode(0o757)), False, False),
    "in a directory writable by all, sticky": (above(mode(0o1777)), True, True),
    "below a directory of a third": (above(above(owner(USER))), False, False),
    "below a directory writable by its group": (above(above(mode(0o775))), False, False),
    "below a directory writable by others": (above(above(mode(0o757))), False, False),
}
# The same of the service's own file, in its own directory. Root looks at none of them.
OWN_TRUST = {
    "that is the service's own": (lambda path: None, True),
    "owned by root in the service's directory": (owner(0), True),
    "owned by a third in the service's directory": (owner(USER), False),
    "that is the service's own, writable by its group": (mode(0o664), False),
    "that is the service's own, in a directory of a third": (above(owner(USER)), False),
    "that is the service's own, in a directory writable by others": (above(mode(0o757)), False),
}


def deep_site(world):
    """With a directory between the cache and what else a site has."""
    site = Site(world, cache=False)
    site.directory = site.own = site.folder / "above" / "cache"
    site.directory.mkdir(parents=True)
    for path in (site.directory.parent, site.directory):
        path.chmod(0o755)
    site.configure(world.server.url("/jwks"))
    return site


def try_trust(results, world):
    """Each rule of whose files are believed: one that is not is fetched anew."""
    if not ROOT:
        results.skip("rules of trust", "only root can give files away")
        return
    for name, (change, by_root, by_service) in TRUST.items():
        for reader, trusted, options in (("root", by_root, {}),
                                         ("a service", by_service, {"expected": OTHER_ID} | OTHER)):
            site = deep_site(world)
            site.run("get=+0")
            change(site.cached)
            world.server.forget()
            line, log = site.one("get=+0", **options)
            results.equal((line.split()[1], world.server.count()), ("ok", int(not trusted)),
                          f"a cache file {name}: {reader} {'reads' if trusted else 'refuses'} it",
                          line, log)
    for name, (change, trusted) in OWN_TRUST.items():
        site = deep_site(world)
        folder = site.directory / str(OTHER_ID)
        folder.mkdir(mode=0o755)
        os.chown(folder, OTHER_ID, OTHER_ID)
        site.run("get=+0", expected=OTHER_ID, **OTHER)
        change(folder / "corp.jwks")
        world.server.forget()
        line, log = site.one("get=+0", expected=OTHER_ID, **OTHER)
        results.equal((line.split()[1], world.server.count()), ("ok", int(not trusted)),
                      f"a cache file {name}: the service {'reads' if trusted else 'refuses'} it",
                      line, log)


# The extended attribute that gives a program the capability to bind low ports, and that is all.
CAPABILITY = struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0)

# How it is installed (owner, group, mode), how it goes on, and whom it trusts beside root. Only
# what has root's rights can have root's keys refreshed.
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
        self.programs.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "suid,exec,mode=755", "tmpfs",
                        self.programs], check=True)
        (self.folder / "jwtauth").mkdir(parents=True, exist_ok=True)
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

    def run(self, config, more, kid="-", refresher=REFRESHER, before=None,
            groups=()):
        """As the user, with an environment that points to his files wherever one could."""
        places = {name: str(self.folder) for name in
                  ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_DIRS", "XDG_DATA_HOME",
                   "TMPDIR", "CACHE_DIRECTORY", "CONFIGURATION_DIRECTORY", "JWTAUTH_CACHE")}
        places |= {"JWTAUTH_CONFIG": str(self.folder / "jwtauth" / "jwtauth.yaml"),
                   "SSL_CERT_FILE": "/dev/null"}
        done = subprocess.run([self.programs / "between", config, HELPER, refresher, kid, *more],
                              text=True, capture_output=True, check=False, env=places,
                              cwd=self.folder, user=USER, group=USER, extra_groups=groups,
                              preexec_fn=before)
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
            asks = "setuid program of root" in name
            site = Site(world, more="    stale_if_error: 1h")
            plant_cache(site, planted, world)
            lines, log = planted.run(site.config, more)
            results.equal(lines[:1], [f"owner {trusted} secure {'no' if own else 'yes'}"],
                          f"{name}: trusts root{' and the user' if own else ' alone'}", log)
            found = "ok evil" if own else "ok k1" if asks else "keys-unavailable "
            results.equal((lines[1:], world.server.count()),
                          (["conf ok", f"keys corp {found}"], int(asks)),
                          f"{name}: a user's cache {'counts' if own else 'does not count'}", log)
            planted_files(results, world, planted, name)


def planted_files(results, world, planted, name):
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
        done = subprocess.run([BETWEEN, site.config, HELPER, REFRESHER, "-", str(real),
                               str(effective)], text=True, capture_output=True, check=False)
        results.equal(done.stdout.splitlines()[:1], [f"owner {trusted} secure no"],
                      f"real uid {real}, effective uid {effective}: trusts uid {trusted}",
                      done.stderr)
