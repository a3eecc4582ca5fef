# SPDX-License-Identifier: BSD-2-Clause
"""The instruments themselves: a search that finds nothing must be able to find something."""
import base64
import os
import subprocess

from lab import tokens
from lab.journal import audit_fields


def test_leaks_are_found(site):
    token = site.idp.token("alice", "laptop-es256", "ssh://lab")
    head, payload, signature = token.split(".")
    pieces = tokens.pieces(token)
    assert tokens.leaked(pieces, f"auth: {signature[20:32]}")
    assert tokens.leaked(pieces, f"auth: x{payload[-12:]}.")
    assert tokens.leaked(pieces, f"auth: {signature[20:31]} {head}") is None
    for padding in ("", "x", "xx"):
        sasl = base64.b64encode(f"n,a={padding},\1auth=Bearer {token}\1\1".encode()).decode()
        assert tokens.leaked(pieces, f"AUTH OAUTHBEARER {sasl[-40:]}")


def test_the_journal_hears_syslog(site):
    start = site.journal.position()
    text = 'result=denied reason=expired service="sshd" user="a \\" b" detail=exp was "5 s" ago'
    subprocess.run(["logger", "-p", "authpriv.notice", text], check=True)
    [(line, fields)] = site.journal.audits(start)
    assert line.facility == 10
    assert fields["service"] == "sshd"
    assert fields["user"] == 'a \\" b'
    assert fields["detail"] == 'exp was "5 s" ago'
    assert audit_fields("sshd: session opened for user alice") is None


def test_tokens_are_what_they_seem(site):
    token = site.idp.token("alice", "laptop-es256", "ssh://lab")
    assert tokens.header(token)["typ"] == "at+jwt"
    assert tokens.claims(token)["sub"] == "alice"
    assert tokens.claims(tokens.with_claims(token, sub="bob"))["sub"] == "bob"
    assert tokens.with_broken_signature(token) != token


def test_the_machine_stays_as_it_was():
    other = f"/proc/{os.getppid()}/root"
    with open(f"{other}/etc/passwd", encoding="utf-8") as file:
        assert "/run/lab/home" not in file.read()
    assert not os.path.exists(f"{other}/run/lab")
