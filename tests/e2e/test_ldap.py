# SPDX-License-Identifier: BSD-2-Clause
"""slapd and its clients, with the configuration that the README prints."""
import os
import pwd
import subprocess
import threading

import pytest

from lab import host, slapd, tokens
from lab.party import FIRST
from lab.sasl import MECHANISMS, REFUSALS
from lab.site import HOST, source, write
from lab.slapd import INSUFFICIENT_ACCESS, INVALID_CREDENTIALS, SUCCESS, UNAVAILABLE, Slapd

SECOND = {"key-2": "ES256"}
AUDIENCE = f"ldap://{HOST}"
PEOPLE = f"ou=people,{slapd.SUFFIX}"
ADMINS = f"ou=admins,{slapd.SUFFIX}"
ALICE, BOB = f"uid=alice,{PEOPLE}", f"uid=bob,{PEOPLE}"
both = pytest.mark.parametrize("mechanism", MECHANISMS)

# As what the directory sees the bound user: ldapwhoami's words.
WHOAMI = """\
import sys, ldap, ldap.sasl
url, mechanism, user, token = sys.argv[1:3] + sys.stdin.read().split()
directory = ldap.initialize(url)
directory.start_tls_s()
callbacks = {ldap.sasl.CB_AUTHNAME: user, ldap.sasl.CB_PASS: token}
try:
    directory.sasl_interactive_bind_s("", ldap.sasl.sasl(callbacks, mechanism))
except ldap.LDAPError as error:
    sys.exit(error.args[0]["result"])
print(directory.whoami_s())
"""


@pytest.fixture(scope="module")
def start(site):
    """Starts one with these SASL options; slapd reads jwtauth's configuration as it starts, too."""
    write(slapd.CONFIGURATION, source("ldap-jwtauth.yaml"))
    subprocess.run(["sh", "-ec", source("ldap-commands")], check=True)

    def start_one(sasl=source("ldap-sasl2-slapd.conf"), **options):
        return site.keep(Slapd(sasl, **options))

    return start_one


@pytest.fixture(scope="module")
def directory(start):
    # pylint: disable=redefined-outer-name
    return start()


@pytest.fixture
def at_party(start):
    """A directory that trusts the issuer of a party and nobody else."""
    # pylint: disable=redefined-outer-name
    def start_one(party):
        return start(f"mech_list: EXTERNAL {' '.join(MECHANISMS)}\njwtauth_service: {party.service}\n")

    return start_one


def token_of(site, user="alice", *roles, **claims):
    """A token of the provider's key with these claims; without any, one that it gave out."""
    if not roles and not claims:
        return site.token(user, resource=AUDIENCE)
    claims = {"preferred_username": user, "roles": ["ops", *roles], **claims}
    return site.signed_token(AUDIENCE, **claims)


@both
@pytest.mark.parametrize("secure", [False, True], ids=["starttls", "ldaps"])
def test_bind(site, directory, watch, mechanism, secure):
    status, output = directory.bind(mechanism, token_of(site), "-U", "alice", secure=secure)
    assert (status, output) == (SUCCESS, f"dn:{ALICE}\n")
    audit = watch.one()
    assert (audit["result"], audit["service"], audit["user"]) == ("allowed", "ldap", "alice")


@both
def test_bind_with_python(site, directory, mechanism):
    good = token_of(site)
    for token, outcome in ((good, (SUCCESS, f"dn:{ALICE}\n")),
                           (tokens.with_broken_signature(good), (INVALID_CREDENTIALS, ""))):
        done = subprocess.run(
            ["/usr/bin/python3", "-c", WHOAMI, directory.url(), mechanism],
            input=f"alice\n{token}", text=True, check=False, timeout=20, stdout=subprocess.PIPE,
            env=directory.environment())
        assert (done.returncode, done.stdout) == outcome


@both
@pytest.mark.parametrize("who", REFUSALS)
def test_refused(site, directory, watch, mechanism, who):
    """For good: a token that is none, and one whose user may not do this (SASL_NOAUTHZ)."""
    refusal = REFUSALS[who]
    token = refusal.token(site, AUDIENCE)
    status, output = directory.bind(mechanism, token, "-U", refusal.user)
    assert status == (INSUFFICIENT_ACCESS if refusal.authenticated else INVALID_CREDENTIALS), output
    audit = watch.one()
    assert (audit["result"], audit["reason"]) == ("denied", refusal.reason)
    assert output.endswith(": authentication failed\n"), "strangers learn nothing"


def test_keys_out_of_reach(party, at_party, watch):
    here = party()
    token = here.token()
    here.idp.stop()
    server = at_party(here)
    for mechanism in MECHANISMS:
        status, output = server.bind(mechanism, token, "-U", "alice")
        assert status == UNAVAILABLE, output
    assert {audit["reason"] for audit in watch.audits()} == {"keys-unavailable"}


def test_binds_go_on_without_the_provider(party, at_party):
    """Also in a slapd that starts only then: its user has written the cache."""
    here = party()
    token = here.token()
    assert at_party(here).bind("OAUTHBEARER", token, "-U", "alice")[0] == SUCCESS
    here.idp.stop()
    cached = os.stat(f"/var/cache/jwtauth/{pwd.getpwnam(slapd.USER).pw_uid}/{here.name}.jwks")
    assert cached.st_uid == pwd.getpwnam(slapd.USER).pw_uid
    status, output = at_party(here).bind("OAUTHBEARER", token, "-U", "alice")
    assert (status, output) == (SUCCESS, f"dn:{ALICE}\n")


def test_offered_over_tls_only(directory):
    assert directory.mechanisms() == set()
    assert directory.mechanisms("-ZZ") == set(MECHANISMS)
    assert directory.mechanisms(secure=True) == set(MECHANISMS)
    status, output = directory.client("ldapwhoami", "-Q", "-Y", "OAUTHBEARER", "-w", "no.to.ken")
    assert status != SUCCESS and "dn:" not in output


def change(dn, text):
    return f"dn: {dn}\nchangetype: modify\nreplace: description\ndescription: {text}\n"


@both
def test_a_role_makes_an_administrator(site, directory, mechanism):
    admin, ordinary = token_of(site, "alice", "directory-admins"), token_of(site)
    status, output = directory.bind(mechanism, admin, "-U", "alice")
    assert (status, output) == (SUCCESS, f"dn:uid=alice,{ADMINS}\n")
    status, output = directory.bind(
        mechanism, admin, "-U", "alice", program="ldapmodify", text=change(BOB, mechanism))
    assert status == SUCCESS, output
    status, output = directory.bind(
        mechanism, ordinary, "-U", "alice", program="ldapmodify", text=change(BOB, "not this"))
    assert status == INSUFFICIENT_ACCESS, output
    status, output = directory.bind(
        mechanism, ordinary, "-U", "alice", "-LLL", "-b", BOB, "description", program="ldapsearch")
    assert f"description: {mechanism}\n" in output and "not this" not in output


@both
def test_nobody_is_named_like_an_administrator(site, directory, mechanism):
    """Neither by the issuer's choice of names, nor by that of someone who may act for others."""
    token = token_of(site, "mallory@ldapadmins", "visitors")
    status, output = directory.bind(mechanism, token, "-U", "mallory@ldapadmins")
    assert status == INSUFFICIENT_ACCESS, output
    token = token_of(site, "bob", "helpdesk")
    for name in ("u:alice@ldapadmins", "u:alice@ldapadmins\N{NO-BREAK SPACE}",
                 "u:alice\N{FULLWIDTH COMMERCIAL AT}ldapadmins", f"dn:uid=alice,{ADMINS}",
                 "dn:uid=alice@ldapadmins,cn=oauthbearer,cn=auth"):
        status, output = directory.bind(mechanism, token, "-U", "bob", "-X", name)
        assert status == INSUFFICIENT_ACCESS, output


@both
def test_proxy_needs_the_role_and_slapd(site, directory, mechanism):
    """bob may act as alice: he has the role, and his entry says authzTo."""
    helped = token_of(site, "bob", "helpdesk")
    status, output = directory.bind(mechanism, helped, "-U", "bob", "-X", "u:alice")
    assert (status, output) == (SUCCESS, f"dn:{ALICE}\n")
    # The right user, but nobody looks into a DN for the names that only a group has.
    status, output = directory.bind(mechanism, helped, "-U", "bob", "-X", f"dn:{ALICE}")
    assert status == INSUFFICIENT_ACCESS, output
    for user, role, other in (("bob", "visitors", "alice"), ("alice", "helpdesk", "bob")):
        status, output = directory.bind(
            mechanism, token_of(site, user, role), "-U", user, "-X", "u:" + other)
        assert status == INSUFFICIENT_ACCESS, output


@both
def test_oneself_as_authzid(site, directory, mechanism):
    status, output = directory.bind(mechanism, token_of(site), "-U", "alice", "-X", "u:alice")
    assert (status, output) == (SUCCESS, f"dn:{ALICE}\n")


@both
@pytest.mark.parametrize("size", [1, 4, 8, 16])
def test_long_tokens(site, directory, mechanism, size):
    """In KiB; 16 is the most that is ever verified."""
    token = padded(site, size * 1024)
    status, output = directory.bind(mechanism, token, "-U", "alice")
    assert (status, output) == (SUCCESS, f"dn:{ALICE}\n")


@both
def test_too_long_a_token(site, directory, watch, mechanism):
    status, output = directory.bind(mechanism, padded(site, 16 * 1024 + 3), "-U", "alice")
    assert status == INVALID_CREDENTIALS, output
    assert watch.one()["reason"] == "too-large"


def padded(site, size):
    """A token of so many bytes, or at most two fewer: base64url gives no other lengths."""
    least = len(token_of(site, padding=""))
    token = token_of(site, padding="x" * ((size - least) * 3 // 4))
    assert size - 2 <= len(token) <= size
    return token


@pytest.mark.parametrize("level", ["any"])
def test_nothing_of_a_token_in_the_most_talkative_log(site, start, level):
    """The no_leaks of conftest.py looks for it in the end."""
    talkative = start(level=level)
    start_of_log = site.journal.position()
    for mechanism in MECHANISMS:
        good = token_of(site)
        assert talkative.bind(mechanism, good, "-U", "alice")[0] == SUCCESS
        bad = site.used(tokens.with_broken_signature(good))
        assert talkative.bind(mechanism, bad, "-U", "alice")[0] == INVALID_CREDENTIALS
    assert "slap_sasl_getdn" in site.journal.text(start_of_log), "the log is the one that was meant"
    talkative.stop()


class Clients:
    """Some that bind all the time, with the token that is shown to them last."""

    def __init__(self, server, count):
        self.outcomes = []
        self._server, self._done = server, threading.Event()
        self._token = None
        self._threads = [threading.Thread(target=self._run, args=(mechanism,))
                         for mechanism in MECHANISMS * (count // len(MECHANISMS))]

    def _run(self, mechanism):
        while not self._done.is_set():
            self.outcomes.append(self._server.bind(mechanism, self._token, "-U", "alice"))

    def use(self, token, count=80):
        """Goes on with this token, for so many binds and those that are on their way."""
        self._token = token
        end = len(self.outcomes) + count
        for thread in self._threads:
            if not thread.is_alive():
                thread.start()
        host.wait_until(lambda: len(self.outcomes) >= end, f"{count} binds", seconds=60)

    def stop(self):
        self._done.set()
        for thread in self._threads:
            thread.join()


def test_binds_at_once_while_keys_rotate(party, at_party, watch):
    here = party()
    clients = Clients(at_party(here), 8)
    try:
        clients.use(here.token())
        here.idp.use_keys({**SECOND, **FIRST})
        clients.use(here.token())
        here.idp.use_keys(SECOND)
        clients.use(here.token())
    finally:
        clients.stop()
    assert set(clients.outcomes) == {(SUCCESS, f"dn:{ALICE}\n")}
    audits = watch.audits()
    assert len(audits) == len(clients.outcomes) >= 240
    assert {audit["reason"] for audit in audits} == {"ok"}
    assert {audit["kid"] for audit in audits} == {"key-1", "key-2"}
    assert here.paths().count("/jwks") == 2, "one fetch for each set"
