# SPDX-License-Identifier: BSD-2-Clause
"""Debian's glewlwyd: its issuer has a path, and its tokens a scope where others have roles."""
import pytest

from lab import tokens
from lab.glewlwyd import Glewlwyd
from lab.party import Party

SCOPE = "ops"


@pytest.fixture
def party(site):
    made = Party(site, "glewlwyd", Glewlwyd(SCOPE, "alice"), audience=SCOPE, roles="/scope")
    yield made
    made.close()


def test_logins_with_and_without_the_provider(site, party, watch):
    used = [site.used(party.idp.token()) for _ in range(2)]
    assert tokens.claims(used[0])["sub"] != "alice", "its sub is opaque"
    login = party.login(used[0])
    assert login.status == 0, login.output
    assert "(alice)" in login.output
    party.idp.stop()
    login = party.login(used[1])
    assert login.status == 0, login.output
    first, second = watch.audits()
    assert first["reason"] == second["reason"] == "ok"
    assert first["issuer"] == party.idp.url
    assert first["issuer"].endswith("/api/lab")
    assert first["subject"] == tokens.claims(used[0])["sub"]
