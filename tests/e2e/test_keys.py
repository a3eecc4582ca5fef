# SPDX-License-Identifier: BSD-2-Clause
"""Keys from the network behind a real sshd: discovered, cached, rotated, kept in an outage."""
import os
import re
import subprocess
import time

import pexpect
import pytest

from lab import host, tokens
from lab.ca import Authority
from lab.party import FIRST
from lab.site import HELPER, PROGRAM, SOURCES, source, write
from lab.sshd import answer

SECOND = {"key-2": "ES256"}
METADATA, JWKS = "/.well-known/openid-configuration", "/jwks"

# The shortest time that a key set is kept, whatever the provider says.
FRESHNESS_FLOOR = 60


def is_alice(login):
    return login.status == 0 and "(alice)" in login.output


def test_the_readme_says_how_the_host_was_set_up():
    with open(os.path.join(SOURCES, "../../README.md"), encoding="utf-8") as file:
        readme = file.read()
    assert host.SET_UP in readme
    assert source("jwtauth.yaml") in readme


def test_a_login_discovers_the_keys(party, watch):
    here = party()
    login = here.login()
    assert is_alice(login), login.output
    assert watch.one()["reason"] == "ok"
    assert here.paths() == [METADATA, JWKS]


def test_logins_go_on_without_the_provider(party, watch):
    here = party()
    used = [here.token() for _ in range(3)]
    assert is_alice(here.login(used[0]))
    here.idp.stop()
    for token in used[1:]:
        login = here.login(token)
        assert is_alice(login), login.output
    assert [audit["reason"] for audit in watch.audits()] == ["ok", "ok", "ok"]


def test_without_provider_and_cache(party, watch):
    here = party()
    token = here.token()
    here.idp.stop()
    login = here.login(token)
    assert login.status == 255
    assert "uid=" not in login.output
    audit = watch.one()
    assert (audit["result"], audit["reason"]) == ("unavailable", "keys-unavailable")
    assert "connect" in audit["detail"], "the log says what went wrong"


def test_the_helper_is_not_started_without_its_user(party, watch):
    here = party()
    with open("/etc/passwd", encoding="utf-8") as file:
        users = file.read()
    others = [line for line in users.splitlines(True)
              if not line.startswith(host.FETCH_USER + ":")]
    assert len(others) == len(users.splitlines()) - 1
    write("/etc/passwd", "".join(others))
    try:
        login = here.login()
    finally:
        write("/etc/passwd", users)
    assert login.status == 255
    assert "uid=" not in login.output
    audit = watch.one()
    assert (audit["result"], audit["reason"]) == ("unavailable", "keys-unavailable")
    assert f"no user {host.FETCH_USER}" in audit["detail"]
    assert here.paths() == []


def test_keys_refreshed_by_command(site, party):
    here = party()
    status, output = here.refresh()
    assert status == 0, output
    assert here.paths() == [METADATA, JWKS]
    status, output = site.jwtauth("keys", "list", "--issuer", here.name)
    assert status == 0, output
    assert here.idp.url in output
    assert re.search(r'kid "key-1"  type "EC"  .*alg ES256  .*usable', output), output
    here.idp.stop()
    assert here.refresh("--force")[0] == 3, "a refresh that fails says so"


def test_a_login_after_a_refresh_asks_nobody(party):
    here = party()
    token = here.token()
    assert here.refresh()[0] == 0
    asked = here.paths()
    here.idp.stop()
    login = here.login(token)
    assert is_alice(login), login.output
    assert here.paths() == asked


@pytest.fixture(scope="module")
def private_authority(site):
    """An authority that only the configuration of one issuer trusts."""
    # pylint: disable=unused-argument
    name = "private.example.com"
    host.name_address(name)
    return Authority(name)


def https(authority):
    return {"issuer": f"https://private.example.com:{host.free_port()}", "authority": authority}


def test_ca_file(party, watch, private_authority):
    write("/etc/jwtauth/private-ca.pem", private_authority.text())
    here = party(settings="    ca_file: /etc/jwtauth/private-ca.pem\n", **https(private_authority))
    login = here.login()
    assert is_alice(login), login.output
    assert watch.one()["reason"] == "ok"
    assert here.paths() == [METADATA, JWKS]


def test_unknown_authority(party, watch, private_authority):
    here = party(**https(private_authority))
    login = here.login()
    assert login.status == 255
    audit = watch.one()
    assert (audit["result"], audit["reason"]) == ("unavailable", "keys-unavailable")
    assert "certificate" in audit["detail"]
    assert here.paths() == []


# What libcurl, or the OpenSSL under it, may read.
ENVIRONMENT = {
    "https_proxy": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9", "all_proxy": "http://127.0.0.1:9",
    "SSL_CERT_FILE": "/dev/null", "SSL_CERT_DIR": "/nonexistent",
    "CURL_CA_BUNDLE": "/dev/null", "CURL_HOME": "/nonexistent", "OPENSSL_CONF": "/nonexistent",
}


def test_the_environment_of_a_caller_of_su_has_no_effect(site, party, watch):
    # By a name that the system's authorities vouch for: no ca_file overrides the variables.
    here = party(issuer=f"https://idp.example.com:{host.free_port()}", authority=site.authority)
    alice = site.users["alice"]
    site.stack("su-l", f"auth required pam_jwt.so service={here.service}\n"
                       "account required pam_unix.so\nsession required pam_unix.so\n")
    # Where the helper, too, could write.
    folder = os.path.join(host.FOLDER, "open-to-all")
    os.mkdir(folder)
    os.chmod(folder, 0o777)

    def as_alice():
        host.die_with_parent()
        os.setgroups([])
        os.setgid(alice.pw_gid)
        os.setuid(alice.pw_uid)

    environment = {**ENVIRONMENT, "SSLKEYLOGFILE": f"{folder}/secrets", "PATH": "/usr/bin:/bin"}
    session = answer(pexpect.spawn(
        "/bin/su", ["-", "bob", "-c", "id"], env=environment, encoding="utf-8", timeout=20,
        cwd="/", preexec_fn=as_alice,
    ), [here.token("bob")])
    assert session.status == 0, session.output
    assert "(bob)" in session.output
    assert watch.one()["reason"] == "ok"
    assert here.paths() == [METADATA, JWKS]
    assert os.listdir(folder) == []


# ---- rotation ----

def together(here, used):
    """Logs in with each token, all at their prompts at once and answered at once."""
    clients = [here.sshd().client("alice") for _ in used]
    for client in clients:
        client.expect_exact("JWT: ")
    for client, token in zip(clients, used):
        client.sendline(token)
    return [answer(client, []) for client in clients]


def test_rotation_fails_no_login(party, watch):
    here = party(FIRST)
    old = here.token()
    assert is_alice(here.login(old))
    asked = here.paths()

    here.idp.use_keys({**FIRST, **SECOND})
    for _ in range(3):
        token = here.token()
        assert tokens.header(token)["kid"] == "key-1"
        assert is_alice(here.login(token))
    assert here.paths() == asked, "a key that nobody uses yet is no reason to ask"

    here.idp.use_keys({**SECOND, **FIRST})
    used = [here.token() for _ in range(6)]
    assert {tokens.header(token)["kid"] for token in used} == {"key-2"}
    logins = together(here, used)
    assert all(map(is_alice, logins)), [login.output for login in logins]
    assert here.paths() == [*asked, METADATA, JWKS], "one fetch for all"
    assert here.idp.requests()[-1].headers.get("cache-control") == "no-cache"
    assert is_alice(here.login(old)), "what the old key signed is still good"

    here.idp.use_keys(SECOND)
    for _ in range(3):
        assert is_alice(here.login())
    assert {audit["reason"] for audit in watch.audits()} == {"ok"}


def test_invented_kids_cost_one_fetch(site, party, watch):
    here = party()
    assert is_alice(here.login())
    asked = here.paths()
    for kid in ("invented-1", "invented-2", "invented-3"):
        login = here.login(site.used(tokens.with_kid(here.token(), kid)))
        assert login.status == 255, login.output
    assert is_alice(here.login()), "the cooldown is nothing to keys that are known"
    assert here.paths() == [*asked, METADATA, JWKS]
    assert [audit["reason"] for audit in watch.audits()] == ["ok", *["no-key"] * 3, "ok"]


def test_a_removed_key_ends_within_its_freshness(party, watch):
    here = party({**SECOND, **FIRST}, max_age=1)
    token = here.token()
    assert is_alice(here.login(token))
    fetched = time.monotonic()
    here.idp.use_keys(FIRST)
    assert is_alice(here.login(token)), "until then it is as good as before"
    assert here.paths() == [METADATA, JWKS]
    time.sleep(max(0, fetched + FRESHNESS_FLOOR + 1 - time.monotonic()))
    login = here.login(token)
    assert login.status == 255, login.output
    assert is_alice(here.login()), "what the remaining key signs is good"
    assert [audit["reason"] for audit in watch.audits()] == ["ok", "ok", "no-key", "ok"]


# ---- what a warm login leaves alone ----

# Run by the process of sshd that has just verified a token, before it waits for any child.
LOOK = """\
#!/bin/sh
cat /proc/$PPID/maps >{folder}/maps
cat /proc/$PPID/stat >{folder}/stat
"""


class Look:
    """What a process of sshd was like right after pam_jwt had decided."""

    def __init__(self, folder):
        with open(os.path.join(folder, "maps"), encoding="utf-8") as file:
            self.maps = file.read()
        with open(os.path.join(folder, "stat"), encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
        # proc(5) cminflt: page faults of children that were waited for, and each has some.
        self.faults_of_children = int(fields[8])


@pytest.fixture
def look(tmp_path):
    """A PAM stack that looks at its process after pam_jwt, and what it saw."""
    script = tmp_path / "look"
    script.write_text(LOOK.format(folder=tmp_path), encoding="utf-8")
    script.chmod(0o755)
    before, after = source("pam.d-sshd").split("account", 1)
    stack = f"{before}auth required pam_exec.so {script}\naccount{after}"
    return stack, lambda: Look(tmp_path)


def test_a_warm_login_starts_nothing_and_maps_no_libcurl(party, look):
    stack, seen = look
    here = party()
    sshd = here.sshd(stack)
    cold, warm = here.token(), here.token()
    assert is_alice(sshd.login("alice", cold))
    assert seen().faults_of_children > 0, "a cold login starts the helper"
    assert "libcurl" not in seen().maps, "and still does not map what it is linked with"
    asked = here.paths()

    assert is_alice(sshd.login("alice", warm))
    assert here.paths() == asked
    assert seen().faults_of_children == 0
    assert "/pam_jwt.so" in seen().maps
    assert "libcurl" not in seen().maps
    needed = subprocess.run(["ldd", HELPER, PROGRAM], check=True, text=True, capture_output=True)
    helper, program = needed.stdout.split(PROGRAM + ":")
    assert "libcurl" in helper, "the helper alone is linked with it"
    assert "libcurl" not in program
