# SPDX-License-Identifier: BSD-2-Clause
"""People who may log in do."""
import json
import os

import pexpect
import pytest

from lab import host, tokens
from lab.idp import ISSUER
from lab.site import ALGORITHMS, CONFIGURATION, RESOURCE, source
from lab.sshd import answer

# What the stock ssh client passes on of an answer.
CLIENT_LIMIT = 1023


def line_of(text, keyword):
    return 1 + next(n for n, line in enumerate(text.splitlines()) if keyword in line)


def is_user(login, entry):
    return login.status == 0 and f"uid={entry.pw_uid}({entry.pw_name})" in login.output


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_token_of_each_algorithm(site, watch, alg):
    token = site.token(client=f"laptop-{alg.lower()}")
    assert tokens.header(token)["alg"] == alg
    assert len(token) <= CLIENT_LIMIT
    login = site.sshd("sshd").login("alice", token)
    assert is_user(login, site.users["alice"]), login.output
    assert login.prompts == ["JWT:"]
    assert tokens.leaked(tokens.pieces(token), login.output) is None, "the prompt does not echo"
    audit = watch.one()
    rule = line_of(source("jwtauth.yaml"), "allow_roles")
    expected = {
        "result": "allowed",
        "reason": "ok",
        "service": "sshd",
        "user": "alice",
        "subject": "alice",
        "issuer": ISSUER,
        "kid": f"lab-{alg.lower()}",
        "alg": alg,
        "remote": "127.0.0.1",
        "rule": f"{CONFIGURATION}:{rule}",
    }
    assert {key: audit.get(key) for key in expected} == expected
    assert 0 <= int(audit["age"]) < 60
    assert tokens.claims(token)["jti"] not in watch.text(), "the log has a hash of the token's id"


def test_the_command_agrees(site):
    token = site.token()
    status, output = site.jwtauth(
        "verify", "--service", "sshd", "--user", "alice", "--json", stdin=token
    )
    decision = json.loads(output)
    assert status == 0
    assert (decision["decision"], decision["user"]) == ("accepted", "alice")
    status, output = site.jwtauth(
        "verify", "--service", "sshd", "--user", "bob", "--json", stdin=token
    )
    decision = json.loads(output)
    assert status == 1
    assert (decision["decision"], decision["reason"]) == ("denied", "user-mismatch")


def test_the_shown_configuration_is_good(site):
    status, output = site.jwtauth("config", "check")
    assert status == 0, output


def test_debugging_shows_no_token(site, watch):
    stack = source("pam.d-sshd").replace("pam_jwt.so", "pam_jwt.so debug")
    login = site.sshd("sshd-debug", stack).login("alice", site.token())
    assert is_user(login, site.users["alice"]), login.output
    assert watch.one()["reason"] == "ok"


def test_password_in_a_mixed_stack(site, mixed, watch):
    login = mixed.login("carol", host.PASSWORD)
    assert is_user(login, site.users["carol"]), login.output
    assert login.prompts == ["JWT:"], "the answer is handed on, not asked for twice"
    assert watch.audits() == [], "a password is no decision of ours"


def test_token_in_a_mixed_stack(site, mixed, watch):
    login = mixed.login("alice", site.token())
    assert is_user(login, site.users["alice"]), login.output
    assert login.prompts == ["JWT:"]
    assert watch.one()["reason"] == "ok"
    assert "pam_unix(sshd-mixed:auth)" not in watch.text(), "sufficient ends the stack"


def test_su_with_the_target_users_token(site, watch):
    site.stack("su-l", "auth required pam_jwt.so service=su\n"
                       "account required pam_unix.so\nsession required pam_unix.so\n")
    alice, token = site.users["alice"], site.token("bob", resource=RESOURCE)

    def as_alice():
        host.die_with_parent()
        os.setgroups([])
        os.setgid(alice.pw_gid)
        os.setuid(alice.pw_uid)

    def su(reply):
        return answer(pexpect.spawn("/bin/su", ["-", "bob", "-c", "id"], encoding="utf-8",
                                    timeout=20, cwd="/", preexec_fn=as_alice), [reply])

    session = su(token)
    assert is_user(session, site.users["bob"]), session.output
    audit = watch.one()
    assert (audit["reason"], audit["service"], audit["user"]) == ("ok", "su", "bob")
    session = su(site.token("alice"))
    assert session.status != 0
    assert "uid=" not in session.output
