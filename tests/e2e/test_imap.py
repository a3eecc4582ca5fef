# SPDX-License-Identifier: BSD-2-Clause
"""Debian's cyrus-imapd, with the configuration of the README, lets in who shows a good token."""
import json

import pytest

from lab import host, tokens
from lab.imapd import PORTS
from lab.mail import NAME, RESOURCE, Imap, curl, imtest, node
from lab.mailhost import BROKEN, DARK_ISSUER
from lab.sasl import MECHANISMS, REFUSALS, message

pytestmark = pytest.mark.usefixtures("imapd")

# What a client answers to the error of a mechanism, so that the server can end the exchange.
AFTER_ERROR = {"OAUTHBEARER": b"\1", "XOAUTH2": b""}


def token_of(site, login="alice"):
    return site.token(login, resource=RESOURCE)


def authenticate(mechanism, token, user="", service="imap"):
    """One exchange on a connection of its own."""
    connection = Imap(PORTS[service])
    answer = connection.exchange(mechanism, message(mechanism, token, user),
                                 AFTER_ERROR[mechanism])
    connection.logout()
    return answer


def allowed(watch, mechanism, user="alice"):
    """The audit line of a login, and imapd's own."""
    audit = watch.one()
    assert (audit["result"], audit["reason"]) == ("allowed", "ok")
    assert (audit["service"], audit["user"]) == ("imap", user)
    line = f"login: localhost [127.0.0.1] {user} {mechanism}+TLS User logged in"
    host.wait_until(lambda: line in watch.text(), f"{line} in the log")
    return audit


# ---- logins ----

# curl and imapflow take OAUTHBEARER where there is a choice.
ONE_OFFERED = pytest.mark.parametrize(
    "service, mechanism", [("imap", "OAUTHBEARER"), ("imapx", "XOAUTH2")])


@ONE_OFFERED
def test_curl(site, watch, service, mechanism):
    done = curl(f"imap://{NAME}:{PORTS[service]}/", "alice", token_of(site))
    assert done.returncode == 0, done.stdout
    assert "INBOX" in done.stdout
    assert f"AUTHENTICATE {mechanism} " in done.stdout, "the first message goes with the command"
    audit = allowed(watch, mechanism)
    assert audit["rule"].startswith("/etc/jwtauth/conf.d/mail.yaml:")


@ONE_OFFERED
def test_imapflow(site, watch, service, mechanism):
    login = node("imapflow", PORTS[service], "alice", token_of(site))
    assert login == {"ok": True, "folders": ["INBOX"]}
    allowed(watch, mechanism)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_imaplib(site, watch, mechanism):
    asked = []

    def answer(challenge):
        asked.append(challenge)
        return message(mechanism, token_of(site), "alice")

    connection = Imap(PORTS["imap"])
    assert connection.authenticate(mechanism, answer)[0] == "OK"
    assert asked == [b""], "without a first message the server asks for it by nothing"
    assert "INBOX" in connection.folders()
    connection.logout()
    allowed(watch, mechanism)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_imtest(site, watch, mechanism):
    done = imtest(PORTS["imap"], "alice", token_of(site), mechanism)
    assert "S: A01 OK" in done.stdout, done.stdout
    assert "Authenticated." in done.stdout
    allowed(watch, mechanism)


def test_password_beside_tokens(watch):
    connection = Imap(PORTS["imap"])
    plain = f"\0carol\0{host.PASSWORD}".encode()
    answer = connection.exchange("PLAIN", plain)
    assert answer.result == "OK", answer
    connection.logout()
    assert watch.audits() == []


def test_nobody_else_can_read_a_users_mail(site):
    for mechanism in MECHANISMS:
        connection = Imap(PORTS["imap"])
        first = message(mechanism, token_of(site, "bob"), "bob")
        assert connection.exchange(mechanism, first).result == "OK"
        assert connection.getacl("INBOX")[1] == [b"INBOX bob lrswipkxtecdan"]
        connection.logout()


# ---- refusals ----

@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("name", REFUSALS)
def test_refused(site, watch, name, mechanism):
    case = REFUSALS[name]
    answer = authenticate(mechanism, case.token(site, RESOURCE), case.user)
    assert (answer.result, answer.text) == ("NO", case.sasl_text), "a permanent failure"
    asked, told = answer.challenges
    assert asked == b""
    assert json.loads(told)["status"] == case.error(mechanism)
    audit = watch.one()
    assert (audit["result"], audit["reason"]) == ("denied", case.reason)
    assert "User logged in" not in watch.text()


def test_what_an_error_says(site):
    told = json.loads(authenticate("OAUTHBEARER", token_of(site, "alice-visiting")).challenges[1])
    assert told == {"status": "insufficient_scope",
                    "openid-configuration": "https://idp.example.com/.well-known/openid-configuration"}
    told = json.loads(authenticate("OAUTHBEARER", token_of(site), "", "imapscoped").challenges[1])
    assert (told["status"], told["scope"]) == ("insufficient_scope", "login mail")


def test_discovery(watch):
    """An empty auth asks what to do (RFC 7628 section 4.3)."""
    connection = Imap(PORTS["imap"])
    answer = connection.exchange("OAUTHBEARER", b"n,,\1auth=\1\1", b"\1")
    assert answer.result == "NO"
    assert "openid-configuration" in json.loads(answer.challenges[1])
    connection.logout()
    assert "User logged in" not in watch.text()


def test_refused_by_imapflow(site):
    refused = node("imapflow", PORTS["imap"], "alice", token_of(site, "alice-visiting"))
    assert not refused["ok"]
    assert refused["told"]["status"] == "insufficient_scope"


def test_refused_by_curl(site):
    token = site.used(tokens.with_broken_signature(token_of(site)))
    for service in ("imap", "imapx"):
        done = curl(f"imap://{NAME}:{PORTS[service]}/", "alice", token)
        assert done.returncode == 67, done.stdout


def test_refused_by_imtest(site, watch):
    done = imtest(PORTS["imap"], "alice", token_of(site, "alice-visiting"), "OAUTHBEARER")
    assert "Authentication failed" in done.stdout, done.stdout
    assert watch.one()["reason"] == "not-allowed"


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_after_an_error_nothing_succeeds(site, watch, mechanism):
    connection = Imap(PORTS["imap"])
    bad, good = (message(mechanism, token_of(site, login), "alice")
                 for login in ("alice-visiting", "alice"))
    answer = connection.exchange(mechanism, bad, good)
    assert answer.result == "NO"
    assert watch.one()["reason"] == "not-allowed"
    assert connection.exchange(mechanism, good).result == "OK", "a new exchange may"
    connection.logout()


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_keys_that_cannot_be_reached(site, watch, mechanism):
    token = site.signed_token(RESOURCE, iss=DARK_ISSUER)
    answer = authenticate(mechanism, token, "alice", "imapdark")
    assert answer.result == "NO"
    assert answer.text == "remote authentication server unavailable"
    assert answer.challenges == [b""], "there is nothing that the client could do"
    audit = watch.one()
    assert (audit["result"], audit["reason"]) == ("unavailable", "keys-unavailable")


def test_broken_configuration(site, watch):
    for mechanism in MECHANISMS:
        answer = authenticate(mechanism, token_of(site), "alice", "imapbroken")
        assert (answer.result, answer.text) == ("NO", "generic failure")
    assert [audit["reason"] for audit in watch.audits()] == ["conf-invalid"] * 2
    assert f"{BROKEN}:2: " in watch.text()


def test_service_that_the_configuration_lacks():
    connection = Imap(PORTS["imapabsent"])
    assert connection.mechanisms() == {"PLAIN"}
    connection.logout()


# ---- TLS ----

def test_hidden_before_tls(site, watch):
    connection = Imap(PORTS["imap"], tls=False)
    assert connection.mechanisms() == set()
    for mechanism in MECHANISMS:
        answer = connection.exchange(mechanism, message(mechanism, token_of(site)))
        assert answer.result == "NO"
    connection.starttls()
    assert connection.mechanisms() >= {*MECHANISMS, "PLAIN"}
    connection.logout()
    assert watch.audits() == []


def test_debians_own_file_hides_nothing():
    connection = Imap(PORTS["imapplain"], tls=False)
    assert connection.mechanisms() >= set(MECHANISMS)
    connection.logout()


# ---- the proxy ----

def test_mail_admin_opens_another_mailbox(site, watch):
    connection = Imap(PORTS["imap"])
    connection.exchange("OAUTHBEARER", message("OAUTHBEARER", token_of(site, "bob")))
    connection.create("INBOX.of-bob")
    connection.logout()
    start = len(watch.audits())
    for mechanism in MECHANISMS:
        connection = Imap(PORTS["imap"])
        first = message(mechanism, token_of(site, "postmaster"), "bob")
        assert connection.exchange(mechanism, first).result == "OK"
        assert "INBOX.of-bob" in connection.folders()
        connection.logout()
    for audit in watch.audits()[start:]:
        assert (audit["reason"], audit["user"], audit["authzid"]) == ("ok", "postmaster", "bob")


# libsasl takes white space off a name, imapd a domain.
@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("user", ["cyrus", " cyrus", "cyrus ", "\tcyrus", "anyone ", " ", "Cyrus",
                                  "cyrus%example.org", "group:adm", "U:cyrus"])
def test_nobody_becomes_a_reserved_user(site, watch, user, mechanism):
    answer = authenticate(mechanism, token_of(site, "postmaster"), user)
    assert answer.result == "NO"
    assert "User logged in" not in watch.text()


def test_mail_admin_whom_imapd_does_not_know(site, watch):
    answer = authenticate("OAUTHBEARER", token_of(site, "erin"), "bob")
    assert answer.result == "NO"
    assert watch.one()["reason"] == "ok", "it is imapd that refuses"
    assert "User logged in" not in watch.text()


def test_an_admin_of_imapd_without_the_role(site, watch):
    token = site.signed_token(RESOURCE, sub="postmaster", preferred_username="postmaster")
    assert authenticate("OAUTHBEARER", token, "bob").result == "NO"
    assert watch.one()["reason"] == "proxy"
