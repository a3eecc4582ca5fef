# SPDX-License-Identifier: BSD-2-Clause
"""A host of our own: this process and its children see a private /etc, /usr, /dev, /run, /var/cache,
/var/lib, /var/log and /var/spool, and a network that is nothing but loopback addresses. Servers that
the machine lacks are there, too (packages.py).

All of it is in memory and belongs to namespaces, so that it is gone with the last process that
sees it, whatever way that process ended; the machine's own files are never written to.
"""
import ctypes
import fcntl
import grp
import os
import pwd
import signal
import socket
import struct
import subprocess
import time

from lab import packages

FOLDER = "/run/lab"
_UNPACKED = os.path.join(FOLDER, "unpacked")

# What the README says to do once on a host, beside `make install`.
SET_UP = """\
useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin jwtauth
install -d -m 755 /etc/jwtauth /etc/jwtauth/conf.d /var/cache/jwtauth
"""
FETCH_USER = "jwtauth"
CACHE = "/var/cache/jwtauth"

# Of the password "correct horse battery".
PASSWORD = "correct horse battery"
PASSWORD_HASH = (
    "$6$jwtauthlab$85J7yEe869snf..1ent8eNsqKSdZoTspDU9FiYj8xEv3"
    "ILqr/DPYmXPBvNh5MayfWu5R0bm.a7eIM7B3WgGuw0"
)
LOCKED = "!"

_CLONE_NEWNS = 0x00020000
_CLONE_NEWNET = 0x40000000
_MS_BIND = 0x1000
_MS_REC = 0x4000
_MS_PRIVATE = 0x40000
_PR_SET_PDEATHSIG = 1
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result, what):
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)} (root with CAP_SYS_ADMIN is needed)")


def _mount(source, target, kind, flags=0, data=None):
    arguments = [None if text is None else text.encode() for text in (source, target, kind)]
    data = None if data is None else data.encode()
    _check(_libc.mount(*arguments, ctypes.c_ulong(flags), data), f"mount on {target}")


def _overlay(folder):
    """Lets folder be written to without changing what is below it; shows unpacked packages in it."""
    layers = os.path.join(FOLDER, "layers", folder.strip("/"))
    upper, work = os.path.join(layers, "upper"), os.path.join(layers, "work")
    os.makedirs(upper)
    os.makedirs(work)
    unpacked = _UNPACKED + folder
    lower = f"{unpacked}:{folder}" if os.path.isdir(unpacked) else folder
    data = f"lowerdir={lower},upperdir={upper},workdir={work}"
    _mount("overlay", folder, "overlay", data=data)


def _private_dev():
    """/dev without the machine's /dev/log, and with the file systems that are mounted in it."""
    inside = [entry.path for entry in os.scandir("/dev") if os.path.ismount(entry.path)]
    kept = {path: os.open(path, os.O_PATH) for path in inside}
    _overlay("/dev")
    for path, descriptor in kept.items():
        _mount(f"/proc/self/fd/{descriptor}", path, None, _MS_BIND | _MS_REC)
        os.close(descriptor)
    if os.path.lexists("/dev/log"):
        os.unlink("/dev/log")


def _loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", _IFF_UP))


def _name_localhost():
    """Some machines, small containers above all, have no file of host names."""
    text = ""
    if os.path.exists("/etc/hosts"):
        with open("/etc/hosts", encoding="utf-8") as file:
            text = file.read()
    if "localhost" not in text:
        with open("/etc/hosts", "w", encoding="utf-8") as file:
            file.write("127.0.0.1 localhost\n" + text)


def enter():
    """Moves the calling process, which must have one thread, to a host of its own."""
    _check(_libc.unshare(_CLONE_NEWNS | _CLONE_NEWNET), "unshare")
    _loopback_up()
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    _mount("lab", "/run", "tmpfs", data="mode=755")
    os.umask(0o022)
    os.makedirs("/run/sshd")
    os.mkdir(FOLDER)
    unpacked = packages.folder()
    if unpacked:
        os.mkdir(_UNPACKED)
        _mount(unpacked, _UNPACKED, None, _MS_BIND)
    _mount("lab", "/var/log", "tmpfs", data="mode=755")
    _mount("lab", "/var/cache", "tmpfs", data="mode=755")
    _overlay("/etc")
    _overlay("/usr")
    _overlay("/var/lib")
    _overlay("/var/spool")
    _private_dev()
    if unpacked:
        packages.set_up()
    _name_localhost()


def empty(folder, user="root", group="root"):
    """Covers what a server of the machine has in folder by an empty one."""
    data = f"mode=755,uid={pwd.getpwnam(user).pw_uid},gid={grp.getgrnam(group).gr_gid}"
    _mount("lab", folder, "tmpfs", data=data)


def install(build):
    """Installs a build on the private host as the README says."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    for command in (["make", "-s", "-C", build, "install"], ["sh", "-ec", SET_UP]):
        done = subprocess.run(
            command, env=environment, text=True, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}")


def name_address(name, address="127.0.0.1"):
    """Gives an address of this host a name."""
    with open("/etc/hosts", "a", encoding="utf-8") as file:
        file.write(f"{address} {name}\n")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def add_user(name, password_hash=LOCKED):
    """Adds a user with a group and home of its own, and gives the passwd entry."""
    taken = {entry.pw_uid for entry in pwd.getpwall()}
    uid = next(number for number in range(20001, 60000) if number not in taken)
    home = os.path.join(FOLDER, "home", name)
    for path, line in (
        ("/etc/passwd", f"{name}:x:{uid}:{uid}:{name}:{home}:/bin/sh"),
        ("/etc/shadow", f"{name}:{password_hash}:19000:0:99999:7:::"),
        ("/etc/group", f"{name}:x:{uid}:"),
    ):
        with open(path, "a", encoding="utf-8") as file:
            file.write(line + "\n")
    os.makedirs(home)
    os.chown(home, uid, uid)
    return pwd.getpwnam(name)


def die_with_parent():
    """For a child before it executes: it is not to outlive this process."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def start(arguments, **options):
    """Starts a program that ends, at the latest, with this process."""
    # pylint: disable=consider-using-with,subprocess-popen-preexec-fn
    return subprocess.Popen(arguments, preexec_fn=die_with_parent, **options)


def start_service(arguments, **options):
    """Starts a server that has processes of its own, which end with it, whatever way it ends.

    A shell is their init: a server that changes its uid forgets that it was to die with its parent.
    """
    init = ["sh", "-c", '"$@"; exit', "sh", *arguments]
    return start(["unshare", "--pid", "--fork", "--kill-child", *init], **options)


def stop_service(process):
    """Ends what start_service() started, at once."""
    process.kill()
    process.wait()


def wait_until(ready, what, process=None, seconds=20):
    """Waits for ready() to be true, while process, where one is given, runs."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline or (process and process.poll() is not None):
            raise RuntimeError(f"{what} did not happen")
        time.sleep(0.01)


def is_open(port):
    """Whether someone listens at this port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def stop(process):
    """Ends a program that start() started."""
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
