# SPDX-License-Identifier: BSD-2-Clause
"""Debian's Postfix, with the configuration of the README, lets in who shows a good token."""
import json
import smtplib
import subprocess

import pytest

from lab import host, tokens
from lab.mail import NAME, RESOURCE, Smtp, curl, node
from lab.mailhost import DARK_ISSUER
from lab.postfix import PORTS
from lab.sasl import MECHANISMS, REFUSALS, message
from lab.site import KEYS, source

pytestmark = pytest.mark.usefixtures("postfix")

AFTER_ERROR = {"OAUTHBEARER": b"\1", "XOAUTH2": b""}
LETTER = "From: alice@example.com\nTo: bob@example.org\nSubject: hello\n\nhello\n"


def token_of(site, login="alice"):
    return site.token(login, resource=RESOURCE)


def authenticate(mechanism, token, user="", service="jailed", initial=True):
    """One exchange on a connection of its own."""
    with Smtp(PORTS[service]) as connection:
        return connection.exchange(mechanism, message(mechanism, token, user),
                                   AFTER_ERROR[mechanism], initial=initial)


def allowed(watch, mechanism, user="alice"):
    """The audit line of a login, and Postfix's own of the mail that was sent."""
    audit = watch.one()
    assert (audit["result"], audit["reason"]) == ("allowed", "ok")
    assert (audit["service"], audit["user"]) == ("smtp", user)
    sent = f"client=localhost[127.0.0.1], sasl_method={mechanism}, sasl_username={user}"
    host.wait_until(lambda: sent in watch.text(), f"{sent} in the log")


@pytest.fixture(params=["jailed", "free"])
def port(request):
    """That of an smtpd in a jail (chroot y in master.cf), and of one that is in none."""
    return PORTS[request.param]


# ---- logins ----

def send_by_curl(service, token):
    return curl(f"smtp://{NAME}:{PORTS[service]}/client.example.com", "alice", token,
                'mail-from = "alice@example.com"', 'mail-rcpt = "bob@example.org"',
                'upload-file = "-"', data=LETTER)


# curl takes OAUTHBEARER where there is a choice.
@pytest.mark.parametrize("service, mechanism", [
    ("jailed", "OAUTHBEARER"), ("free", "OAUTHBEARER"),
    ("jailed-xoauth2", "XOAUTH2"), ("free-xoauth2", "XOAUTH2"),
])
def test_curl(site, watch, service, mechanism):
    done = send_by_curl(service, token_of(site))
    assert done.returncode == 0, done.stdout
    assert f"> AUTH {mechanism}\n" in done.stdout, "it waits to be asked for a message this long"
    allowed(watch, mechanism)


def test_nodemailer(site, watch, port):
    sent = node("nodemailer", port, "alice", token_of(site))
    assert sent == {"ok": True, "accepted": ["bob@example.org"]}
    allowed(watch, "XOAUTH2")


@pytest.mark.parametrize("initial", [True, False], ids=["at once", "when asked"])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_smtplib(site, watch, port, mechanism, initial):
    first = message(mechanism, token_of(site), "alice").decode()
    with Smtp(port) as connection:
        code, _ = connection.auth(mechanism, lambda challenge=None: first,
                                  initial_response_ok=initial)
        assert code == 235
        assert connection.sendmail("alice@example.com", "bob@example.org", LETTER) == {}
    allowed(watch, mechanism)


@pytest.mark.usefixtures("imapd")
def test_the_readme_says_how_to_try_it(site, watch, tmp_path):
    (tmp_path / "token").write_text(token_of(site))
    (tmp_path / "letter").write_text(LETTER)
    done = subprocess.run(["sh", "-ec", source("mail-try")], cwd=tmp_path, text=True, check=True,
                          timeout=30, stdout=subprocess.PIPE)
    assert "INBOX" in done.stdout
    assert [audit["service"] for audit in watch.audits()] == ["imap", "smtp"]
    assert [audit["reason"] for audit in watch.audits()] == ["ok", "ok"]


def test_nobody_sends_without_a_token(port):
    with Smtp(port) as connection:
        connection.mail("alice@example.com")
        assert connection.rcpt("bob@example.org")[0] == 554


# ---- refusals ----

@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("name", REFUSALS)
def test_refused(site, watch, name, mechanism):
    case = REFUSALS[name]
    answer = authenticate(mechanism, case.token(site, RESOURCE), case.user)
    assert answer.result == "535", "a permanent failure"
    [told] = answer.challenges
    assert json.loads(told)["status"] == case.error(mechanism)
    audit = watch.one()
    assert (audit["result"], audit["reason"]) == ("denied", case.reason)


def test_refused_outside_the_jail(site, watch):
    answer = authenticate("OAUTHBEARER", token_of(site, "alice-visiting"), "", "free")
    assert answer.result == "535"
    assert json.loads(answer.challenges[0])["status"] == "insufficient_scope"
    assert watch.one()["reason"] == "not-allowed"


def test_nobody_sends_as_another(site, watch):
    """The service has no proxy_roles, so even a mail-admin is himself."""
    assert authenticate("OAUTHBEARER", token_of(site, "postmaster"), "bob").result == "535"
    assert watch.one()["reason"] == "proxy"


def test_refused_by_nodemailer(site, watch):
    """A refused token makes it look for a better one, which it has no means to get here."""
    refused = node("nodemailer", PORTS["jailed"], "alice", token_of(site, "alice-visiting"))
    assert not refused["ok"]
    assert refused["error"] == "Can't create new access token for user"
    assert watch.one()["reason"] == "not-allowed"


def test_refused_by_curl(site):
    token = site.used(tokens.with_broken_signature(token_of(site)))
    for service in ("jailed", "jailed-xoauth2"):
        done = send_by_curl(service, token)
        assert done.returncode == 67, done.stdout


@pytest.mark.parametrize("service", ["jailed-dark", "free-dark"])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_keys_that_cannot_be_reached(site, watch, service, mechanism):
    token = site.signed_token(RESOURCE, iss=DARK_ISSUER)
    answer = authenticate(mechanism, token, "alice", service)
    assert answer.result == "454", "a temporary failure"
    assert answer.challenges == [], "there is nothing that the client could do"
    audit = watch.one()
    assert (audit["result"], audit["reason"]) == ("unavailable", "keys-unavailable")


def test_a_new_key_reaches_the_jail(site, watch):
    """What root refreshes, an smtpd that has long been in its jail sees."""
    site.idp.use_keys({"lab-next": "ES256", **KEYS})
    try:
        token = token_of(site)
        assert tokens.header(token)["kid"] == "lab-next"
        first = message("OAUTHBEARER", token)
        with Smtp(PORTS["jailed"]) as connection:
            assert connection.exchange("OAUTHBEARER", first, b"\1").result == "535"
            assert site.jwtauth("keys", "refresh", "--force", "--issuer", "corp") == (0, "")
            assert connection.exchange("OAUTHBEARER", first).result == "235"
    finally:
        site.idp.use_keys(KEYS)
    assert [audit["reason"] for audit in watch.audits()] == ["no-key", "ok"]


def test_broken_configuration(site, watch):
    answer = authenticate("OAUTHBEARER", token_of(site), "", "jailed-broken")
    assert (answer.result, answer.challenges) == ("454", [])
    assert watch.one()["reason"] == "conf-invalid"


def test_service_that_the_configuration_lacks(watch):
    """An smtpd without any of the mechanisms of its mech_list serves nobody."""
    with pytest.raises((OSError, smtplib.SMTPServerDisconnected)):
        Smtp(PORTS["jailed-absent"])
    line = "fatal: no SASL authentication mechanisms"
    host.wait_until(lambda: line in watch.text(), f"{line} in the log")


# ---- TLS ----

def test_hidden_before_tls(site, watch, port):
    with Smtp(port, tls=False) as connection:
        assert connection.mechanisms() == set()
        answer = connection.exchange("OAUTHBEARER", message("OAUTHBEARER", token_of(site)))
        assert (answer.result, answer.challenges) == ("530", [])
        connection.starttls()
        connection.ehlo()
        assert connection.mechanisms() == set(MECHANISMS)
    assert watch.audits() == []


def test_postfix_itself_hides_nothing():
    """Where TLS is not demanded, smtpd_tls_auth_only is what hides it."""
    with Smtp(PORTS["free-default"], tls=False) as connection:
        assert connection.mechanisms() == set(MECHANISMS)


def test_the_other_port_is_left_alone():
    with Smtp(25) as connection:
        assert connection.mechanisms() == set()
