# SPDX-License-Identifier: BSD-2-Clause
"""A folder to run the command in, and what is checked of each run."""

import base64
import hmac
import json
import pathlib

import tap

NOW = 2000000000
FIELDS = ["decision", "reason", "user", "groups", "roles", "subject", "issuer", "expires", "key",
          "algorithm"]
SECRET = b"a secret of thirty-two bytes or more"
CLAIMS = {"iss": "https://idp.example", "sub": "4711", "aud": "login", "exp": NOW + 300,
          "preferred_username": "alice", "roles": ["ops"]}
CONFIGURATION = """issuers:
  corp:
    issuer: https://idp.example
    jwks: file:{folder}/{keys}
    audience: login
    algorithms: [HS256]
    username: ${{preferred_username}}
    roles: [/roles]
    groups:
      ops: [adm]
services:
  sshd: {{issuers: [corp], allow_roles: [ops]}}
{more}"""


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(secret=SECRET, header=None, **claims):
    header = header or {"alg": "HS256", "kid": "k1"}
    signed = f"{encode(json.dumps(header).encode())}.{encode(json.dumps(CLAIMS | claims).encode())}"
    return f"{signed}.{encode(hmac.digest(secret, signed.encode(), 'sha256'))}"


class Site:
    """A folder with configurations, keys, users and groups."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        jwk = {"kty": "oct", "kid": "k1", "k": encode(SECRET)}
        other = {"kty": "oct", "kid": "k2", "alg": "HS512", "k": encode(SECRET)}
        self.write("keys.json", json.dumps({"keys": [jwk]}))
        self.write("mixed.json", json.dumps({"keys": [jwk, other, {"kty": "EC"}, 7]}))
        self.write("readable.json", json.dumps(jwk), 0o644)
        self.write("garbage.json", "no JSON")
        self.write("passwd", "root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n")
        self.write("group", "root:x:0:\nadm:x:4:\nops:x:2001:\n")
        self.configure("good.yaml")
        self.configure("two.yaml", more="  sudo: {issuers: [corp], allow_roles: [ops]}\n")
        self.write("observing.yaml", self.path("good.yaml").read_text().replace(
            "[ops]}", "[ops], observe: yes}"))
        self.configure("no-keys.yaml", keys="absent.json")
        self.configure("bad-keys.yaml", keys="garbage.json")
        self.configure("open-keys.yaml", keys="readable.json")
        self.configure("wrong.yaml", more="surprise: 1\n")
        self.configure("writable.yaml", mode=0o666)

    def path(self, name):
        return self.folder / name

    def write(self, name, text, mode=0o600):
        self.path(name).write_text(text, encoding="utf-8")
        self.path(name).chmod(mode)
        return self.path(name)

    def configure(self, name, keys="keys.json", more="", mode=0o600):
        text = CONFIGURATION.format(folder=self.folder, keys=keys, more=more)
        return self.write(name, text, mode)

    def configured(self, name="good.yaml", *more):
        return ["--config", self.path(name), "--passwd", self.path("passwd"), "--group",
                self.path("group"), "--now", NOW, "--service", "sshd", *more]

    def triple(self, *more):
        return ["--jwks", self.path("keys.json"), "--issuer", "https://idp.example", "--audience",
                "login", "--now", NOW, *more]


def answer_of(done):
    try:
        return json.loads(done.stdout)
    except ValueError:
        return {}


def check(results, name, arguments, stdin, status, reason=None, says=None, **expected):
    """Runs verify --json; the status, the fields and their order, and some of their values.

    `says` is the line on standard error, where there is to be one.
    """
    done = tap.run(["verify", "--json", *arguments], stdin)
    answer = answer_of(done)
    got = {member: answer.get(member) for member in expected}
    right = done.returncode == status and got == expected
    right = right and done.stderr == (f"jwtauth: {says}\n".encode() if says else b"")
    right = right and list(answer) == FIELDS and answer["reason"] == reason
    right = right and done.stdout.count(b"\n") == 1 and done.stdout.endswith(b"}\n")
    right = right and (answer["decision"] == "accepted") == (status == 0)
    results.result(right, f"verify: {name}", f"expected: {status} {reason} {expected}",
                   f"got: {done.returncode}", done.stdout, done.stderr)


def usage(results, name, arguments, stdin=b"", says=None):
    """Status 2, nothing on standard output, something on standard error, and no token in it."""
    done = tap.run(arguments, stdin)
    right = done.returncode == 2 and not done.stdout and done.stderr.strip()
    right = right and b"eyJ" not in done.stderr and (says or "").encode() in done.stderr
    results.result(right, f"bad usage: {name}", f"status {done.returncode}", done.stdout,
                   done.stderr)


def output(results, name, arguments, status, stdin=b"", has=(), lacks=()):
    done = tap.run(arguments, stdin)
    text = done.stdout.decode()
    right = done.returncode == status and all(part in text for part in has)
    right = right and not any(part in text for part in lacks)
    results.result(right, name, f"status {done.returncode}, expected {status}", text, done.stderr)
