# SPDX-License-Identifier: BSD-2-Clause
"""Everyone else is refused, and the audit line says why."""
import time

import pytest

from lab import host, tokens


def refused(site, user, token, service="sshd"):
    """Tries to log in, with success a failure of the test."""
    login = site.sshd(service).login(user, site.used(token))
    assert login.status == 255, login.output
    assert "uid=" not in login.output
    assert login.prompts == ["JWT:"]
    return login


def test_token_of_another_user(site, watch):
    refused(site, "bob", site.token("alice"))
    audit = watch.one()
    assert (audit["result"], audit["reason"]) == ("denied", "user-mismatch")
    assert "bob" in audit["detail"]


def test_expired_token(site, watch):
    token = site.token(client="laptop-hasty")
    time.sleep(max(0, tokens.claims(token)["exp"] + 1.5 - time.time()))
    refused(site, "alice", token)
    assert watch.one()["reason"] == "expired"


def test_token_for_another_audience(site, watch):
    refused(site, "alice", site.token(resource="ssh://other.example.com"))
    audit = watch.one()
    assert audit["reason"] == "audience"
    assert "ssh://other.example.com" in audit["detail"]


def test_payload_of_someone_else(site, watch):
    forged = tokens.with_claims(site.token("alice"), preferred_username="bob", sub="bob")
    refused(site, "bob", forged)
    assert watch.one()["reason"] == "signature"


@pytest.mark.parametrize("alg", ["es256", "rs256", "eddsa"])
def test_broken_signature(site, watch, alg):
    refused(site, "alice", tokens.with_broken_signature(site.token(client=f"laptop-{alg}")))
    assert watch.one()["reason"] == "signature"


def test_unsigned_token(site, watch):
    refused(site, "alice", tokens.unsigned(site.token()))
    assert watch.one()["reason"] == "alg-none"


def test_token_without_the_role(site, watch):
    refused(site, "alice", site.token("alice-visiting"))
    audit = watch.one()
    assert audit["reason"] == "not-allowed"
    assert audit["rule"].startswith("/etc/jwtauth/jwtauth.yaml:")


def test_token_of_a_client(site, watch):
    refused(site, "alice", site.client_token())
    assert watch.one()["reason"] == "client-token"


def test_root(site, watch):
    refused(site, "root", site.token("mallory"))
    assert watch.one()["reason"] == "user-system"


def test_user_that_is_none(site, watch):
    """sshd hides the answer of a user that is none from PAM, so there is no token to decide on."""
    refused(site, "nobody-here", site.token())
    assert watch.audits() == []
    assert "no token was given" in watch.text()


def test_service_without_a_section(site, watch):
    refused(site, "alice", site.token(), service="sshd-unknown")
    assert watch.one()["reason"] == "no-service"


def test_observed_service_lets_nobody_in(site, watch):
    refused(site, "alice", site.token(), service="sshd-observed")
    audit = watch.one()
    assert audit["observe"] == "yes"
    assert audit["result"] == "observed"
    assert audit["reason"] == "ok"


def test_password_where_only_tokens_count(site):
    login = site.sshd("sshd").login("carol", host.PASSWORD)
    assert login.status == 255, login.output


def test_wrong_password_in_a_mixed_stack(mixed, watch):
    login = mixed.login("carol", "not " + host.PASSWORD)
    assert login.status == 255, login.output
    assert "pam_unix(sshd-mixed:auth): authentication failure" in watch.text()


def test_refused_token_in_a_mixed_stack(site, mixed, watch):
    forged = tokens.with_broken_signature(site.token())
    login = mixed.login("alice", site.used(forged), "no password of alice")
    assert login.status == 255, login.output
    assert login.prompts == ["JWT:", "Password:"], "a refused token is not handed on"
    assert watch.one()["reason"] == "signature"
