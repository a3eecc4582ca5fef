# SPDX-License-Identifier: BSD-2-Clause
"""What tests/fetch/run tests against: a certification authority, a scripted server, and a site.

All on loopback and in one temporary folder. Where root runs it, users and host names of its own
stand in a private mount namespace, so that the machine stays as it is; and the build is seen there
at a place that every user can reach, wherever it lies.
"""

import base64
import contextlib
import http.server
import itertools
import json
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

NAMESPACE = "JWTAUTH_FETCH_NAMESPACE"  # its folder
TOP = pathlib.Path(__file__).resolve().parent.parent.parent
MADE = pathlib.Path(os.environ.get("JWTAUTH_BUILD", TOP / "build" / "gcc")).resolve()
BUILD = pathlib.Path(os.environ[NAMESPACE], "build") if NAMESPACE in os.environ else MADE
DRIVER = BUILD / "tests" / "fetch" / "driver"
HELPER = BUILD / "fetch" / "jwtauth-fetch"
COMMAND = BUILD / "cli" / "jwtauth"
ROOT = os.geteuid() == 0
CAPABILITIES = int(pathlib.Path("/proc/self/status").read_text().split("CapEff:")[1].split()[0], 16)
# What root of a container may not: raise limits (CAP_SYS_RESOURCE), or its priority (CAP_SYS_NICE).
RAISES = CAPABILITIES >> 24 & 1
HURRIES = CAPABILITIES >> 23 & 1
USER_ID = 64901
OTHER_ID = 64902
USER = 64903  # whoever has files of his own and starts what others installed

AUTHORITY = """[ca]
default_ca=d
[d]
dir={folder}
database={folder}/index
new_certs_dir={folder}
serial={folder}/serial
certificate={folder}/ca.pem
private_key={folder}/ca.key
default_md=sha256
policy=p
email_in_dn=no
unique_subject=no
copy_extensions=copy
[p]
commonName=supplied
"""


def enter_namespace():
    """Runs this program again, in a mount namespace where the user jwtauth is."""
    if not ROOT or os.environ.get(NAMESPACE):
        return
    with tempfile.TemporaryDirectory(prefix="jwtauth-fetch-etc-") as folder:
        done = subprocess.run(
            ["unshare", "-m", "--propagation", "private", sys.executable, "-B", *sys.argv],
            env=os.environ | {NAMESPACE: folder}, check=False)
    sys.exit(done.returncode)


def mount(*arguments):
    subprocess.run(["mount", *map(str, arguments)], check=True)


def fill_namespace():
    """Users jwtauth and other, and a host name, over the machine's own; and the build."""
    if not ROOT:
        return
    additions = {
        "passwd": f"jwtauth:x:{USER_ID}:{USER_ID}::/nonexistent:/usr/sbin/nologin\n"
                  f"other:x:{OTHER_ID}:{OTHER_ID}::/nonexistent:/usr/sbin/nologin\n",
        "group": f"jwtauth:x:{USER_ID}:\nother:x:{OTHER_ID}:\n",
        "hosts": "127.0.0.1 idp.lab\n::1 idp6.lab\n",
    }
    texts = {name: pathlib.Path("/etc", name) for name in additions}
    texts = {name: path.read_text() if path.exists() else "" for name, path in texts.items()}
    folder = BUILD.parent
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", folder)
    for name in ("build", "upper", "work"):
        (folder / name).mkdir()
        (folder / name).chmod(0o755)
    mount("--bind", MADE, BUILD)
    mount("-t", "overlay", "-o", f"lowerdir=/etc,upperdir={folder}/upper,workdir={folder}/work",
          "overlay", "/etc")
    for name, addition in additions.items():
        kept = [line for line in texts[name].splitlines(True)
                if not line.startswith(("jwtauth:", "other:"))]
        path = pathlib.Path("/etc", name)
        path.write_text("".join(kept) + addition)
        path.chmod(0o644)


def openssl(*arguments, **options):
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True,
                          **options).stdout


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def new_jwk(kid):
    private = openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout")
    point = openssl("ec", "-pubout", "-outform", "DER", input=private)[-64:]
    return {"kty": "EC", "crv": "P-256", "kid": kid, "use": "sig",
            "x": encode(point[:32]), "y": encode(point[32:])}


class Authority:
    """Certificates by openssl(1)."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        folder.chmod(0o755)
        (folder / "index").touch()
        (folder / "serial").write_text("1000\n")
        (folder / "ca.cnf").write_text(AUTHORITY.format(folder=folder))
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                "-nodes", "-subj", "/CN=test authority", "-days", "2", "-keyout",
                folder / "ca.key", "-out", folder / "ca.pem")
        (folder / "ca.pem").chmod(0o644)

    def issue(self, name, names, dates=()):
        folder = self.folder
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                "-nodes", "-subj", f"/CN={name}", "-addext", f"subjectAltName={names}",
                "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr")
        openssl("ca", "-batch", "-notext", "-config", folder / "ca.cnf", "-days", "1", *dates,
                "-in", folder / f"{name}.csr", "-out", folder / f"{name}.pem")

    def context(self, name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        return context


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        with server.mutex:
            server.requests.append((self.path, dict(self.headers)))
        script = server.scripts.get(self.path.split("?")[0], status(404))
        with contextlib.suppress(OSError):
            script(self)
        self.close_connection = True

    def do_CONNECT(self):
        with self.server.mutex:
            self.server.requests.append((self.path, dict(self.headers)))
        self.reply(403)

    def reply(self, code, body=b"", **headers):
        self.send_response(code)
        self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers and "Transfer_Encoding" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def end(connection):
    """Ends a connection when the client has, too.

    Closed with something unread, it is reset, and the client loses what it has not read yet.
    """
    connection.settimeout(2)
    if isinstance(connection, ssl.SSLSocket):
        with contextlib.suppress(OSError):
            connection.unwrap()
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
    connection.close()


class Server(http.server.ThreadingHTTPServer):
    """Answers each path by its script; keeps what was asked."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, context=None, family=socket.AF_INET, port=0):
        self.address_family = family
        self.mutex = threading.Lock()
        self.requests = []
        self.scripts = {}
        self.context = context
        super().__init__(("::1" if family == socket.AF_INET6 else "127.0.0.1", port), Handler)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02},
                         daemon=True).start()

    def finish_request(self, request, client_address):
        if self.context is not None:
            try:
                request = self.context.wrap_socket(request, server_side=True)
            except OSError:
                return
        try:
            super().finish_request(request, client_address)
        finally:
            end(request)

    def handle_error(self, request, client_address):
        pass

    def url(self, path="", host="127.0.0.1"):
        scheme = "https" if self.context is not None else "http"
        return f"{scheme}://{host}:{self.server_address[1]}{path}"

    def count(self, path="/jwks"):
        with self.mutex:
            return sum(asked.split("?")[0] == path for asked, headers in self.requests)

    def forget(self):
        with self.mutex:
            self.requests.clear()

    def headers(self, index=-1):
        with self.mutex:
            return self.requests[index][1]

    def close(self):
        self.shutdown()
        self.server_close()


def jwk_set(*jwks):
    return json.dumps({"keys": jwks}).encode()


def body(data, after=0, **headers):
    def script(handler):
        time.sleep(after)
        handler.reply(200, data, **headers)
    return script


def status(code, **headers):
    return lambda handler: handler.reply(code, b"", **headers)


class Site:
    """A configuration with one issuer, its cache, and runs of the driver and the command."""

    numbers = itertools.count()

    def __init__(self, world, jwks=None, issuer=None, more="", top="", cache=True):
        self.world = world
        self.folder = world.folder / f"site-{next(self.numbers)}"
        self.folder.mkdir()
        self.folder.chmod(0o755)
        self.directory = self.folder / "cache"
        if cache:
            self.directory.mkdir()
            self.directory.chmod(0o755)
        self.own = self.directory if ROOT else self.directory / str(os.geteuid())
        if cache and not ROOT:
            self.own.mkdir(mode=0o755)
        self.config = self.folder / "jwtauth.yaml"
        self.configure(jwks or world.server.url("/jwks"), issuer, more, top)

    def configure(self, jwks, issuer=None, more="", top=""):
        self.config.write_text(f"""cache_dir: {self.directory}
{top}
issuers:
  corp:
    issuer: {issuer or "https://idp.example"}
    jwks: {jwks}
    ca_file: {self.world.authority.folder}/ca.pem
    audience: login
    username: ${{sub}}
{more}
services:
  sshd: {{issuers: [corp]}}
""")
        self.config.chmod(0o644)

    @property
    def cached(self):
        return self.own / "corp.jwks"

    def arguments(self, *steps, helper=None, expected=None, refresher=COMMAND):
        expected = os.geteuid() if expected is None else expected
        return [str(DRIVER), str(self.config), str(helper or HELPER), str(refresher),
                str(expected), *steps]

    def start(self, *steps, helper=None, expected=None, refresher=COMMAND, **options):
        return subprocess.Popen(
            self.arguments(*steps, helper=helper, expected=expected, refresher=refresher),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            **options)

    def run(self, *steps, timeout=120, **options):
        """Output lines and the log."""
        process = self.start(*steps, **options)
        out, err = process.communicate(timeout=timeout)
        if process.returncode != 0:
            err += f"driver: exit status {process.returncode}\n"
        return out.splitlines(), err

    def one(self, step, **options):
        lines, log = self.run(step, **options)
        return (lines or [""])[-1], log


class World:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.chmod(0o755)
        self.authority = Authority(self.folder / "authority")
        names = "IP:127.0.0.1,IP:::1,DNS:localhost,DNS:idp.lab,DNS:idp6.lab"
        self.authority.issue("server", names)
        self.authority.issue("stranger", "DNS:stranger.example")
        self.authority.issue("expired", names, ("-startdate", "200101000000Z",
                                                "-enddate", "210101000000Z"))
        self.key = new_jwk("k1")
        self.key2 = new_jwk("k2")
        self.set = jwk_set(self.key)
        self.set2 = jwk_set(self.key, self.key2)
        self.server = Server(self.authority.context("server"))
        self.reset()

    def reset(self):
        self.server.scripts = {"/jwks": body(self.set)}
        self.server.forget()


def unused_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def is_helper(pid):
    """Whether this is a helper that these tests started; only root sees whose program it is."""
    try:
        if ROOT:
            return os.readlink(f"/proc/{pid}/exe") == str(HELPER)
        status = pathlib.Path("/proc", pid, "status").read_text()
    except OSError:
        return False
    return f"Name:\t{HELPER.name}\n" in status and f"\nUid:\t{os.geteuid()}\t" in status
