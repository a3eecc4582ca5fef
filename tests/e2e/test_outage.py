# SPDX-License-Identifier: BSD-2-Clause
"""What becomes of logins while the identity provider hangs or is away, as the cache grows old."""
import time

import pytest

from lab import host

# oidc-provider says nothing of how long its keys may be kept, so the default holds.
FRESHNESS = 3600
STALE_IF_ERROR = 24 * 3600
MARGIN = 60


@pytest.fixture
def here(party):
    """A party whose keys are in the cache."""
    made = party()
    assert made.refresh()[0] == 0
    assert len(made.paths()) == 2
    return made


def is_alice(login):
    return login.status == 0 and "(alice)" in login.output


def wait_until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def test_refreshed_ahead_while_nobody_waits(here, watch):
    token = here.token()
    here.age_cache(FRESHNESS - MARGIN)
    here.idp.hang(True)
    begun = time.monotonic()
    login = here.login(token)
    took = time.monotonic() - begun
    here.idp.hang(False)
    assert is_alice(login), login.output
    assert took < 5, "the helper would give up after ten seconds"
    assert watch.one()["reason"] == "ok"
    wait_until(lambda: len(here.paths()) == 4)
    wait_until(lambda: "fetched 0 s" in listed(here) or "fetched 1 s" in listed(here))


def listed(here):
    return here.site.jwtauth("keys", "list", "--issuer", here.name)[1]


def test_expired_keys_are_fetched_anew(here, watch):
    here.age_cache(FRESHNESS + MARGIN)
    assert is_alice(here.login())
    assert watch.one()["reason"] == "ok"
    assert len(here.paths()) == 4


def test_expired_keys_serve_in_an_outage(here, watch):
    used = [here.token() for _ in range(2)]
    here.age_cache(FRESHNESS + STALE_IF_ERROR - MARGIN)
    here.idp.stop()
    assert is_alice(here.login(used[0]))
    assert "served stale" in watch.text()
    assert watch.one()["reason"] == "ok"
    here.age_cache(2 * MARGIN)
    login = here.login(used[1])
    assert login.status == 255, login.output
    assert "uid=" not in login.output
    audit = watch.audits()[-1]
    assert (audit["result"], audit["reason"]) == ("unavailable", "keys-unavailable")


def test_a_damaged_cache_is_fetched_anew(here, watch):
    with open(f"{host.CACHE}/{here.name}.jwks", "r+b") as file:
        file.truncate(100)
    assert is_alice(here.login())
    assert is_alice(here.login())
    assert len(here.paths()) == 4
    assert watch.text().count("is damaged") == 1, watch.text()
