# SPDX-License-Identifier: BSD-2-Clause
"""The helper and its host: environment, protocol, rights, traces."""

import contextlib
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import threading
import time

from steps import fetched, refused
from world import HELPER, RAISES, ROOT, USER_ID, Site, is_helper, unused_port


# A library that leaves a mark when it comes into the helper, and in no other process.
MARK = """#include <fcntl.h>
#include <string.h>
#include <unistd.h>
__attribute__((constructor)) static void mark(void)
{
    char name[32] = {0};
    int fd = open("/proc/self/comm", O_RDONLY);

    if (fd >= 0 && read(fd, name, sizeof(name) - 1) > 0 && strncmp(name, "jwtauth-fetch", 13) == 0)
        creat("PLACE", 0666);
}
"""


def try_environment(results, world):
    """What libcurl, OpenSSL and the loader would heed in a caller's environment has no effect."""
    folder = world.folder
    marks = {name: folder / name for name in ("keylog", "preloaded")}
    source = folder / "mark.c"
    source.write_text(MARK.replace("PLACE", str(marks["preloaded"])))
    compiler = shutil.which("gcc") or shutil.which("clang")
    library = folder / "mark.so"
    built = compiler and subprocess.run([compiler, "-shared", "-fPIC", "-w", "-o", library, source],
                                        check=False).returncode == 0
    dead = f"http://127.0.0.1:{unused_port()}"
    cases = {
        "SSLKEYLOGFILE": str(marks["keylog"]),
        "http_proxy": dead, "https_proxy": dead, "HTTPS_PROXY": dead, "ALL_PROXY": dead,
        "all_proxy": dead, "CURL_CA_BUNDLE": "/dev/null", "CURL_HOME": str(folder),
        "CURL_SSL_BACKEND": "nonexistent", "SSL_CERT_FILE": "/dev/null",
        "SSL_CERT_DIR": "/nonexistent", "OPENSSL_CONF": str(folder / "openssl.cnf"),
        "OPENSSL_MODULES": str(folder), "LD_LIBRARY_PATH": str(folder),
        "RES_OPTIONS": "ndots:15", "HOSTALIASES": "/dev/null", "LOCALDOMAIN": "example",
    }
    if built:
        cases["LD_PRELOAD"] = cases["LD_AUDIT"] = str(library)
    (folder / "openssl.cnf").write_text("openssl_conf = x\n[x]\nssl_conf = y\n[y]\nsystem_default = z\n"
                                        "[z]\nMinProtocol = TLSv1.3\nMaxProtocol = TLSv1.2\n")
    os.chmod(folder, 0o1777)
    for name, value in cases.items():
        world.server.forget()
        fetched(results, Site(world), f"{name} of the caller", env=os.environ | {name: value})
        results.equal(world.server.count(), 1, f"{name}: the server itself is asked")
    os.chmod(folder, 0o755)
    results.equal([name for name, path in marks.items() if path.exists()], [],
                  "no key log, no library of the caller")
    store = world.authority.folder / "ca.pem"
    site = Site(world)
    site.config.write_text(re.sub(r"(?m)^.*ca_file.*\n", "", site.config.read_text()))
    refused(results, site, "SSL_CERT_FILE does not add an authority", "certificate",
            env=os.environ | {"SSL_CERT_FILE": str(store), "CURL_CA_BUNDLE": str(store)})


def try_host(results, world):
    """A host finds itself as it was, whatever it is like."""
    chld, pipe, term = int(signal.SIGCHLD), int(signal.SIGPIPE), int(signal.SIGTERM)
    for name, before in (
            ("as it is", []), ("SIGCHLD ignored", [f"ignore={chld}"]),
            ("signals blocked", [f"block={chld}", f"block={pipe}", f"block={term}"]),
            ("descriptor 0 closed", ["close=0"]), ("descriptors 0 and 2 closed", ["close=0", "close=2"])):
        site = Site(world)
        lines, log = site.run(*before, "traces=", "get=+0", "get=+4000", "renew=+4001", "traces=")
        results.result(len(lines) == 5 and " ok " in lines[1] and " ok " in lines[2],
                       f"a host {name}: keys", *lines, log)
        results.equal(lines[-1], lines[0], f"a host {name}: no trace", log)
    site = Site(world)
    out = site.folder / "out"
    with open(out, "w", encoding="utf-8") as file:
        os.set_inheritable(file.fileno(), True)
        process = subprocess.Popen(
            ["/bin/sh", "-c", f'exec "$@" 0<&- 2>&- 1<&-; :', "sh",
             *site.arguments("get=+0")], pass_fds=[file.fileno()])
        process.wait(timeout=60)
    results.result(site.cached.exists(), "a host without descriptors 0 to 2 fills the cache")
    site = Site(world)
    lines, log = site.run("threads=32", "traces=")
    results.result(lines[0].startswith("threads 32 0 ") and lines[1].endswith("no child"),
                   "32 threads leave no trace", *lines, log)


def talk(data, late=b"", helper=HELPER, copied=False, **options):
    """
    Starts the helper and says data to it, and a little later what comes late; its answer. copied:
    somebody else has its end of the socket, too.
    """
    ours, theirs = socket.socketpair()
    with ours, theirs:
        subprocess.run([helper], stdin=theirs, env={}, check=False, timeout=20, **options)
        if not copied:
            theirs.close()
        ours.sendall(data)
        time.sleep(0.2 if late else 0)
        with contextlib.suppress(OSError):
            ours.sendall(late)
        ours.shutdown(socket.SHUT_WR)
        ours.settimeout(15)
        answer = b""
        with contextlib.suppress(OSError):
            while chunk := ours.recv(65536):
                answer += chunk
        return answer


def field(number, data):
    return bytes([number]) + len(data).to_bytes(4, "big") + data


def message(*fields, kind=1, version=1, mark=b"END\n"):
    data = b"".join(fields)
    return bytes([version, kind]) + len(data).to_bytes(4, "big") + data + mark


def try_protocol(results, world):
    site = Site(world)
    config, issuer, no_cache = field(0, bytes(site.config)), field(1, b"corp"), field(4, b"0")
    answer = talk(message(config, issuer, no_cache))
    results.result(world.set in answer and answer.endswith(b"END\n"), "a request", answer)
    start = time.monotonic()
    answer = talk(message(config, issuer, no_cache), copied=True)
    results.result(world.set in answer and time.monotonic() - start < 5,
                   "its answer has an end, whoever has a copy of its socket", answer)
    world.server.forget()
    for name, data in (
            ("nothing", b""), ("another version", message(config, issuer, no_cache, version=2)),
            ("another type", message(config, issuer, no_cache, kind=2)),
            ("no mark", message(config, issuer, no_cache, mark=b"")),
            ("another mark", message(config, issuer, no_cache, mark=b"end\n")),
            ("something behind", message(config, issuer, no_cache) + b"x"),
            ("a field twice", message(config, issuer, issuer, no_cache)),
            ("an unknown field", message(config, issuer, no_cache, field(99, b""))),
            ("a field too long", message(config, issuer, no_cache[:1] + b"\0\0\1\0" + b"0")),
            ("a field missing", message(config, no_cache)),
            ("too large", message(field(0, b"/" * 20000), issuer, no_cache))):
        results.equal(talk(data), b"", f"a request with {name} is not answered")
    for name, late in (("a byte", b"x"), ("another request", message(config, issuer, no_cache))):
        results.equal(talk(message(config, issuer, no_cache), late), b"",
                      f"a request with {name} behind, late, is not answered")
    for number, size, name in ((2, 1025, "an ETag"), (3, 1025, "a Last-Modified"), (7, 2049, "a URI")):
        results.equal(talk(message(config, issuer, no_cache, field(number, b"x" * size))), b"",
                      f"a request with {name} of {size} bytes is not answered")
    for name, data in (
            ("an unknown issuer", message(config, field(1, b"evil"), no_cache)),
            ("a URL for an issuer", message(config, field(1, b"https://evil.example"), no_cache)),
            ("a relative configuration", message(field(0, b"jwtauth.yaml"), issuer, no_cache))):
        answer = talk(data)
        results.result(field(5, b"2") in answer, f"a request with {name} is refused", answer)
    results.equal(world.server.count(), 0, "none of them asks the server")


def lower_limits():
    """Those that a host of root's may have of whoever started it."""
    for which, value in ((resource.RLIMIT_NOFILE, 40), (resource.RLIMIT_CPU, 4)):
        resource.setrlimit(which, (value, value))


def try_sandbox(results, world):
    """The helper while it waits for a server that says nothing."""
    holding = threading.Event()
    world.server.scripts["/jwks"] = lambda handler: holding.wait(8)
    site = Site(world)
    host = site.start("get=+0", env={"EVIL": "1"}, preexec_fn=lower_limits if RAISES else None)
    deadline = time.monotonic() + 5
    while world.server.count() == 0 and time.monotonic() < deadline:
        time.sleep(0.02)
    helpers = [pid for pid in os.listdir("/proc") if pid.isdigit() and is_helper(pid)]
    results.equal(len(helpers), 1, "the helper runs")
    if not helpers:
        return
    proc = pathlib.Path("/proc", helpers[0])
    words = dict(re.findall(r"(?m)^(\w+):[ \t]*(.*)$", (proc / "status").read_text()))
    uid = str(USER_ID if ROOT else os.geteuid())
    results.equal(words["Uid"].split(), [uid] * 4, "its uids")
    if ROOT:
        results.equal((words["Gid"].split(), words["Groups"].split()), ([uid] * 4, []), "its groups")
        results.equal(words["CapEff"], "0" * 16, "its capabilities")
    results.equal((words["NoNewPrivs"], words["Seccomp"]), ("1", "2"), "no_new_privs and seccomp")
    if ROOT:
        results.equal((proc / "environ").read_bytes(), b"", "its environment")
        limits = (proc / "limits").read_text()
        results.result(re.search(r"Max core file size +0 +0", limits) and
                       re.search(r"Max file size +0 +0", limits) and
                       re.search(r"Max open files +64 +64", limits) and
                       re.search(r"Max cpu time +5 +5", limits), "its limits, not its host's", limits)
        results.equal(os.readlink(proc / "cwd"), "/", "its folder")
        targets = [os.readlink(path) for path in (proc / "fd").iterdir()]
        results.result(all(target.startswith(("socket:", "anon_inode:", "pipe:")) or
                           target == "/dev/null" for target in targets), "its descriptors", targets)
    maps = pathlib.Path("/proc", str(host.pid), "maps").read_text()
    results.equal("libcurl" in maps, False, "libcurl is not in the host")
    os.kill(int(helpers[0]), signal.SIGKILL)
    start = time.monotonic()
    out, log = host.communicate(timeout=20)
    holding.set()
    results.result("keys-unavailable" in out and "no whole answer" in log and
                   time.monotonic() - start < 5, "it is killed: unavailable at once", out, log)


def try_no_user(results, world):
    if not ROOT:
        results.skip("no user for the helper", "only root needs one")
        return
    lines = [line for line in pathlib.Path("/etc/passwd").read_text().splitlines(True)
             if not line.startswith("jwtauth:")]
    for name, line in (("no user", ""), ("root by another name", "jwtauth:x:0:0::/:/bin/sh\n")):
        passwd = world.folder / "passwd"
        passwd.write_text("".join(lines) + line)
        script = 'mount --bind "$0" /etc/passwd && exec "$@"'
        site = Site(world)
        done = subprocess.run(
            ["unshare", "-m", "--propagation", "private", "/bin/sh", "-c", script, passwd,
             *site.arguments("get=+0")], text=True, capture_output=True, check=False)
        results.result("keys-unavailable" in done.stdout and "no user jwtauth" in done.stdout and
                       world.server.count() == 0, f"{name}: the helper is not started",
                       done.stdout, done.stderr)
    refused(results, Site(world), "no helper", "cannot be started", helper="/nonexistent")
    refused(results, Site(world), "a helper that says nothing", "no whole answer", helper="/bin/true")
