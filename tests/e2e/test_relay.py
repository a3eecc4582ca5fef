# SPDX-License-Identifier: BSD-2-Clause
"""Postfix's smtp(8) logs in at another Postfix with a token, by our client plug-in."""
import os
import re
import subprocess

import pytest

from lab import host
from lab.mail import RESOURCE
from lab.mailhost import DARK_ISSUER
from lab.satellite import Satellite
from lab.site import HOST, source

pytestmark = pytest.mark.usefixtures("postfix")

DELIVERED = re.compile(r"postfix/smtp[a-z]*\[\d+\]: .* to=<([^>]*)>.* dsn=([0-9.]+), status=(\w+) (.*)")


@pytest.fixture(scope="module")
def satellite(site):
    good, refused = (site.token(login, resource=RESOURCE) for login in ("alice", "alice-visiting"))
    return site.keep(Satellite({
        "[mail.example.com]:587": f"alice:{good}",
        "[mail.example.com]:1587": f"alice:{refused}",
        "[mail.example.com]:9587": f"carol@{HOST}:{host.PASSWORD}",
    }))


def sent(satellite, watch, recipient):
    """Sends a mail; gives the state that it is in after one attempt, and the reason."""
    satellite.send(recipient)

    def line():
        return re.search(DELIVERED, watch.text())

    host.wait_until(line, f"an attempt to deliver in: {watch.text()}")
    found = line()
    assert found[1] == recipient
    return found[3], found[4]


@pytest.mark.parametrize("recipient, mechanism", [
    ("bob@example.org", "OAUTHBEARER"), ("bob@xoauth2.example.org", "XOAUTH2"),
])
def test_relayed(satellite, watch, recipient, mechanism):
    state, answer = sent(satellite, watch, recipient)
    assert state == "sent", answer
    audit = watch.one()
    assert (audit["reason"], audit["service"], audit["user"]) == ("ok", "smtp", "alice")
    line = f"sasl_method={mechanism}, sasl_username=alice"
    host.wait_until(lambda: line in watch.text(), f"{line} in the log")


def test_relayed_by_password(satellite, watch):
    """Where the server takes tokens, too, the README's filter keeps the password out of them."""
    state, answer = sent(satellite, watch, "bob@password.example.org")
    assert state == "sent", answer
    line = f"sasl_method=PLAIN, sasl_username=carol@{HOST}"
    host.wait_until(lambda: line in watch.text(), f"{line} in the log")
    assert watch.audits() == []


def test_a_refused_token(satellite, watch):
    state, answer = sent(satellite, watch, "bob@refused.example.org")
    assert state == "deferred", f"the mail waits for a better token: {answer}"
    assert "said: 535 5.7.8 " in answer
    assert watch.one()["reason"] == "not-allowed"


def test_keys_that_cannot_be_reached(site, satellite, watch):
    satellite.use({"[mail.example.com]:3587":
                   "alice:" + site.signed_token(RESOURCE, iss=DARK_ISSUER)})
    state, answer = sent(satellite, watch, "bob@dark.example.org")
    assert state == "deferred", answer
    assert "said: 454 4.7.0 " in answer
    assert watch.one()["reason"] == "keys-unavailable"


def test_the_readme_says_how_the_token_is_kept(site, tmp_path):
    token = site.token(resource=RESOURCE)
    (tmp_path / "token").write_text(token)
    subprocess.run(["sh", "-ec", source("mail-relay-token")], cwd=tmp_path, check=True)
    table = "hash:/etc/postfix/relay_token"
    assert f"smtp_sasl_password_maps = {table}\n" in source("mail-relay-main.cf")
    done = subprocess.run(["postmap", "-q", "[mail.example.com]:587", table], text=True, check=True,
                          stdout=subprocess.PIPE)
    assert done.stdout == f"alice:{token}\n"
    assert os.stat("/etc/postfix/relay_token.db").st_mode & 0o777 == 0o600
