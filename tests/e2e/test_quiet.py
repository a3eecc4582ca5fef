# SPDX-License-Identifier: BSD-2-Clause
"""The SASL plug-in is installed, and jwtauth is not configured, or for sshd alone: other programs
notice nothing of it.

Each program runs twice, without the plug-in and with it, and is to say the same both times.
"""
import glob
import os
import re
import shutil
import subprocess

import pytest

from lab import host, slapd
from lab.site import CONFIGURATION, source, write

PLUGINS = "/usr/lib/*/sasl2/libjwtauth_sasl.*"
VIEWER = "/usr/sbin/saslpluginviewer"
OURS = ("OAUTHBEARER", "XOAUTH2")
FOLDER = os.path.join(host.FOLDER, "quiet")

SVN_SERVER = """\
[general]
anon-access = none
auth-access = read
realm = lab
[sasl]
use-sasl = true
"""
SVN_SASL = f"""\
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: {FOLDER}/sasldb
"""


@pytest.fixture
def unconfigured(site):
    # pylint: disable=unused-argument
    os.rename("/etc/jwtauth", "/etc/jwtauth.away")
    yield
    os.rename("/etc/jwtauth.away", "/etc/jwtauth")


@pytest.fixture(params=["none", "sshd alone"])
def configuration(request, unconfigured):
    # pylint: disable=redefined-outer-name,unused-argument
    if request.param != "none":
        write(CONFIGURATION, source("jwtauth.yaml"))
    yield
    shutil.rmtree("/etc/jwtauth", ignore_errors=True)


quiet = pytest.mark.usefixtures("configuration")


def without_plugin():
    """An environment in which a program finds every plug-in but ours, which others go on to find."""
    folder = os.path.join(FOLDER, "plugins")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    ours = glob.glob(PLUGINS)
    assert ours, f"{PLUGINS} is installed"
    installed = os.path.dirname(ours[0])
    for name in os.listdir(installed):
        if os.path.join(installed, name) not in ours:
            os.symlink(os.path.join(installed, name), os.path.join(folder, name))
    return {**os.environ, "SASL_PATH": folder}


def run(*arguments, text="", **options):
    """Exit status, standard output and standard error."""
    done = subprocess.run(arguments, input=text, text=True, timeout=20, check=False,
                          capture_output=True, **options)
    return done.returncode, done.stdout, done.stderr


def logged(watch, *programs):
    """What programs of these names (patterns) logged: the lab's other servers log beside them."""
    names = "|".join(map(os.path.basename, programs))
    return [line for line in watch.text().splitlines() if re.search(rf" ({names})(\[\d+\])?: ", line)]


def words(said):
    """What was said in whatever order, which is for lists of plug-ins that of a folder's files."""
    status, output, errors = said
    return status, sorted(output.split()), errors


def same(watch, program, *arguments):
    """What a program says, which is the same with and without the plug-in, in the log as well."""
    before = run(program, *arguments, env=without_plugin())
    assert words(run(program, *arguments)) == words(before)
    assert "jwt" not in str(logged(watch, program)).lower()
    return before


@pytest.mark.usefixtures("unconfigured")
def test_server_plugins(watch):
    status, output, _ = same(watch, VIEWER, "-s")
    assert status == 0 and "PLAIN" in output


@pytest.mark.usefixtures("unconfigured")
def test_client_plugins(watch):
    """A client needs no configuration: only here is it named."""
    status, output, errors = run(VIEWER, "-c")
    assert (status, errors) == (0, "")
    assert all(name in output for name in OURS)
    assert logged(watch, VIEWER) == []
    _, output, _ = run(VIEWER, "-c", env=without_plugin())
    assert "PLAIN" in output and not any(name in output for name in OURS)


@quiet
def test_ldapsearch(watch):
    """Against a server that, not configured, does not offer it either."""
    server = slapd.Slapd("")
    try:
        status, output, errors = same(
            watch, "/usr/bin/ldapsearch", "-x", "-H", server.url(), "-LLL", "-b", slapd.SUFFIX, "dn")
        assert (status, errors) == (0, "") and f"dn: {slapd.SUFFIX}" in output
        offered = server.mechanisms("-ZZ")
        assert "PLAIN" in offered and offered.isdisjoint(OURS)
    finally:
        server.stop()
    assert "jwt" not in f"{logged(watch, 'slap[a-z]+', 'ldap[a-z]+')} {server.text()}".lower()


@quiet
def test_svn(watch):
    """svnserve and svn with a password: each loads every plug-in there is, and takes the best."""
    repository = os.path.join(FOLDER, "repository")
    shutil.rmtree(FOLDER, ignore_errors=True)
    os.makedirs(FOLDER)
    subprocess.run(["svnadmin", "create", repository], check=True)
    write(os.path.join(repository, "conf", "svnserve.conf"), SVN_SERVER)
    write("/etc/sasl2/svn.conf", SVN_SASL)
    subprocess.run(["/usr/sbin/saslpasswd2", "-p", "-c", "-f", f"{FOLDER}/sasldb", "-u", "lab",
                    "alice"], input=host.PASSWORD, text=True, check=True)
    port = str(host.free_port())
    log = os.path.join(FOLDER, "svnserve.log")
    with open(log, "wb") as file:
        server = host.start(
            ["svnserve", "--daemon", "--foreground", "--listen-host", "127.0.0.1",
             "--listen-port", port, "--root", FOLDER], stdout=file, stderr=file)
    try:
        host.wait_until(lambda: host.is_open(int(port)), "the start of svnserve", server)
        status, output, errors = same(
            watch, "svn", "info", "--show-item", "revision", "--non-interactive",
            "--config-dir", f"{FOLDER}/client", "--no-auth-cache", "--username", "alice",
            "--password", host.PASSWORD, f"svn://127.0.0.1:{port}/repository")
        assert (status, output.strip(), errors) == (0, "0", "")
    finally:
        host.stop(server)
    with open(log, encoding="utf-8") as file:
        assert file.read() == ""
    assert logged(watch, "svn", "svnserve") == []
