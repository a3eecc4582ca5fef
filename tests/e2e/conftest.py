# SPDX-License-Identifier: BSD-2-Clause
import os

import pytest

from lab.imapd import Imapd
from lab.mailhost import set_up
from lab.party import with_oidc_provider
from lab.postfix import Postfix
from lab.site import RESOURCE, Site, source, write

# Beside the configuration that the README shows: no tolerance for clocks (there is one clock), and
# further services with rules of their own.
SERVICES = f"""\
clock_skew: 0s

services:
  sshd-mixed:
    issuers: [corp]
    audience: {RESOURCE}
    allow_roles: [ops]
  sshd-debug:
    issuers: [corp]
    audience: {RESOURCE}
    allow_roles: [ops]
  sshd-observed:
    issuers: [corp]
    audience: {RESOURCE}
    allow_roles: [ops]
    observe: yes
  su:
    issuers: [corp]
    audience: {RESOURCE}
    allow_roles: [ops]
"""


@pytest.fixture(scope="session")
def site():
    if os.geteuid() != 0:
        pytest.exit("the end-to-end tests need root: they make a host of their own", 2)
    made = Site()
    write("/etc/jwtauth/conf.d/lab.yaml", SERVICES)
    yield made
    made.close()
    assert made.leaks(anew=True) == []


@pytest.fixture(autouse=True)
def no_leaks(site):
    """Whatever a test did, no log shows a piece of a token."""
    yield
    assert site.leaks() == []


@pytest.fixture
def mixed(site):
    """An sshd that takes tokens and passwords."""
    return site.sshd("sshd-mixed", source("pam.d-sshd-mixed"))


@pytest.fixture(scope="session")
def mail_authority(site):
    """Vouches for the mail host, which is set up with it."""
    # pylint: disable=redefined-outer-name,unused-argument
    return set_up()


@pytest.fixture(scope="session")
def imapd(site, mail_authority):
    """Debian's cyrus-imapd."""
    # pylint: disable=redefined-outer-name
    return site.keep(Imapd(mail_authority))


@pytest.fixture(scope="session")
def postfix(site, mail_authority):
    """Debian's Postfix."""
    # pylint: disable=redefined-outer-name
    return site.keep(Postfix(mail_authority))


@pytest.fixture
def party(request, site):
    """Makes an issuer of oidc-provider, named after the test."""
    made = []

    def make(keys=None, settings="", **options):
        name = request.node.name.removeprefix("test_").replace("_", "-")
        made.append(with_oidc_provider(site, name, keys, settings, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


class Watch:
    """The audit lines that a test causes."""

    def __init__(self, journal):
        self._journal = journal
        self._start = journal.position()

    def text(self):
        return self._journal.text(self._start)

    def audits(self):
        """The fields of each audit line so far."""
        return [fields for _, fields in self._journal.audits(self._start, timeout=0)]

    def one(self):
        """The fields of the only audit line."""
        audits = self._journal.audits(self._start)
        assert len(audits) == 1, self.text()
        line, fields = audits[0]
        assert line.facility == 10, "audit lines go to authpriv"
        return fields


@pytest.fixture
def watch(site):
    return Watch(site.journal)
