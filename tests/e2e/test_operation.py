# SPDX-License-Identifier: BSD-2-Clause
"""What is broken or missing lets nobody in and says so."""
import os

import pytest

from lab.site import CONFIGURATION, source, write

JWKS = "/etc/jwtauth/corp.jwks"


@pytest.fixture
def restored():
    """Puts the configuration back as it was."""
    yield
    write(CONFIGURATION, source("jwtauth.yaml"))
    os.chmod(CONFIGURATION, 0o644)


@pytest.fixture
def key_file(site, restored):
    """The same issuer, with its keys from a file."""
    # pylint: disable=redefined-outer-name,unused-argument
    write(JWKS, site.idp.jwks())
    text = source("jwtauth.yaml")
    assert "jwks: discover " in text
    write(CONFIGURATION, text.replace("jwks: discover ", f"jwks: file:{JWKS} "))
    yield
    os.unlink(JWKS)


def nobody_gets_in(site):
    login = site.sshd("sshd").login("alice", site.token())
    assert login.status == 255, login.output
    assert "uid=" not in login.output


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("service", ["sshd", "sshd-mixed"])
def test_break_glass(site, watch, service):
    """With the printed stacks a public key gets in whatever became of the configuration."""
    sshd = site.sshd(service, source("pam.d-" + service))
    assert "uid=" in sshd.login_with_key("alice").output
    write(CONFIGURATION, "nonsense\n")
    nobody_gets_in(site)
    assert "uid=" in sshd.login_with_key("alice").output
    os.unlink(CONFIGURATION)
    assert "uid=" in sshd.login_with_key("alice").output
    assert "result=config" in watch.text()


@pytest.mark.usefixtures("restored")
def test_broken_configuration(site, watch):
    text = source("jwtauth.yaml").replace("allow_roles:", "alow_roles:")
    line = 1 + next(n for n, t in enumerate(text.splitlines()) if "alow_roles" in t)
    write(CONFIGURATION, text)
    nobody_gets_in(site)
    assert f"{CONFIGURATION}:{line}" in watch.text()
    audit = watch.one()
    assert (audit["result"], audit["reason"]) == ("config", "conf-invalid")
    status, output = site.jwtauth("config", "check")
    assert status == 2
    assert f"{CONFIGURATION}:{line}" in output


@pytest.mark.usefixtures("restored")
def test_missing_configuration(site, watch):
    os.unlink(CONFIGURATION)
    nobody_gets_in(site)
    assert watch.one()["reason"] == "conf-missing"


@pytest.mark.usefixtures("restored")
def test_configuration_that_others_may_write(site, watch):
    os.chmod(CONFIGURATION, 0o666)
    nobody_gets_in(site)
    assert watch.one()["reason"] == "conf-insecure"


@pytest.mark.usefixtures("key_file")
def test_keys_from_a_file(site, watch):
    before = len(site.idp.requests())
    login = site.sshd("sshd").login("alice", site.token())
    assert login.status == 0, login.output
    assert watch.one()["reason"] == "ok"
    assert len(site.idp.requests()) == before


@pytest.mark.usefixtures("key_file")
def test_missing_keys(site, watch):
    os.rename(JWKS, JWKS + ".away")
    nobody_gets_in(site)
    audit = watch.one()
    assert (audit["result"], audit["reason"]) == ("unavailable", "keys-unavailable")
    assert JWKS in audit["detail"]
    os.rename(JWKS + ".away", JWKS)


@pytest.mark.usefixtures("key_file")
def test_keys_that_others_may_write(site, watch):
    os.chmod(JWKS, 0o666)
    nobody_gets_in(site)
    audit = watch.one()
    assert (audit["result"], audit["reason"]) == ("config", "keys-insecure")


@pytest.mark.usefixtures("key_file")
def test_keys_of_someone_else(site, watch):
    with open(JWKS, "rb") as file:
        text = file.read()
    write(JWKS, text.replace(b'"kid":"lab-es256"', b'"kid":"another"'))
    nobody_gets_in(site)
    assert watch.one()["reason"] == "no-key"
