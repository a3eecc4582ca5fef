# SPDX-License-Identifier: BSD-2-Clause
"""The whole laboratory: a private host with users, syslog, identity provider and our module."""
import os
import subprocess
import time

from lab import host, tokens
from lab.ca import Authority
from lab.idp import ISSUER, Idp
from lab.journal import Journal
from lab.sshd import Sshd

SOURCES = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CONFIGURATION = "/etc/jwtauth/jwtauth.yaml"
PROGRAM = "/usr/bin/jwtauth"
HELPER = "/usr/libexec/jwtauth-fetch"
HOST = os.uname().nodename
RESOURCE = f"ssh://{HOST}"
ALGORITHMS = ("ES256", "RS256", "EdDSA")

# The people at the provider, by login. Some claim to be what they are not.
ACCOUNTS = {
    "alice": {"preferred_username": "alice", "roles": ["ops", "mail"]},
    "bob": {"preferred_username": "bob", "roles": ["ops", "mail"]},
    "postmaster": {"preferred_username": "postmaster", "roles": ["mail", "mail-admin"]},
    "erin": {"preferred_username": "erin", "roles": ["mail", "mail-admin"]},
    "alice-visiting": {"preferred_username": "alice", "roles": ["visitors"]},
    "mallory": {"preferred_username": "root", "roles": ["ops"]},
}

KEYS = {f"lab-{alg.lower()}": alg for alg in ALGORITHMS}
CLIENTS = {f"laptop-{alg.lower()}": {"alg": alg, "ttl": 300} for alg in ALGORITHMS}
CLIENTS["laptop-hasty"] = {"alg": "ES256", "ttl": 1}
CLIENTS["robot"] = {"alg": "ES256", "ttl": 300, "claims": ACCOUNTS["alice"]}


def source(name):
    """The text of a file of conf/."""
    with open(os.path.join(SOURCES, "conf", name), encoding="utf-8") as file:
        return file.read()


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())


class Site:
    """One for a process: making it moves the process to the private host."""

    def __init__(self):
        top = os.path.dirname(os.path.dirname(SOURCES))
        build = os.path.abspath(os.environ.get("JWTAUTH_BUILD") or os.path.join(top, "build/gcc"))
        if not os.path.exists(os.path.join(build, "Makefile")):
            raise FileNotFoundError(f"{build}: build there first, or set JWTAUTH_BUILD")
        host.enter()
        self.journal = Journal()
        host.install(build)
        for path in (PROGRAM, HELPER):
            if not os.path.exists(path):
                raise FileNotFoundError(f"{build} does not install {path}")
        self.users = {name: host.add_user(name) for name in ("alice", "bob")}
        self.users["carol"] = host.add_user("carol", host.PASSWORD_HASH)
        self._pieces = set()
        self._searched = {}
        self._servers = []
        self._sshds = {}
        host.name_address("idp.example.com")
        self.authority = Authority("idp.example.com")
        self.authority.join_system()
        self.idp = Idp(CLIENTS, ACCOUNTS, KEYS, ISSUER, self.authority)
        write(CONFIGURATION, source("jwtauth.yaml"))

    def close(self):
        for server in self._servers:
            server.stop()
        self.idp.stop()

    def keep(self, server):
        """Looks for tokens in a server's log (log, text()) until the end, and then stops it."""
        self._servers.append(server)
        return server

    def stack(self, service, text):
        """Makes a PAM service."""
        write(f"/etc/pam.d/{service}", text)

    def sshd(self, service, stack=None):
        """The sshd of this PAM service, started when it is first asked for."""
        if service not in self._sshds:
            self.stack(service, stack or source("pam.d-sshd"))
            self._sshds[service] = self.keep(Sshd(service))
        return self._sshds[service]

    def used(self, token):
        """Remembers a token as one that no log may show."""
        self._pieces |= tokens.pieces(token)
        return token

    def token(self, login="alice", client="laptop-es256", resource=RESOURCE):
        return self.used(self.idp.token(login, client, resource))

    def client_token(self, client="robot", resource=RESOURCE):
        return self.used(self.idp.client_token(client, resource))

    def signed_token(self, resource=RESOURCE, **changes):
        """A token for alice that no provider would give out."""
        now = int(time.time())
        claims = {
            "iss": ISSUER, "aud": resource, "sub": "alice", "client_id": "laptop-es256",
            "iat": now, "exp": now + 300, "jti": os.urandom(8).hex(), "scope": "login",
            **ACCOUNTS["alice"], **changes,
        }
        return self.used(self.idp.sign(claims))

    def jwtauth(self, *arguments, stdin=""):
        """Runs the command; gives exit status and output."""
        done = subprocess.run(
            [PROGRAM, *arguments], input=stdin, text=True, timeout=20, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        return done.returncode, done.stdout

    def leaks(self, anew=False):
        """What the logs show of any token or password that was used, each with its log.

        Looks at what was logged since it last looked: nobody logs what he has not seen yet. anew:
        looks at everything.
        """
        logs = {server.log: server.text() for server in self._servers}
        logs["syslog"] = self.journal.text()
        found = []
        for name, text in logs.items():
            start = 0 if anew else self._searched.get(name, 0)
            self._searched[name] = text.rfind("\n") + 1
            piece = tokens.leaked(self._pieces, text[start:])
            found += [(name, piece)] if piece else []
            found += [(name, host.PASSWORD)] if host.PASSWORD in text[start:] else []
        return found
