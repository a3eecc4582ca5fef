# SPDX-License-Identifier: BSD-2-Clause
"""A mail host before its servers start: a name, a certificate, and what the README says."""
import os
import shutil
import subprocess

from lab import host
from lab.ca import Authority
from lab.mail import NAME, RESOURCE
from lab.site import HOST, source, write

# Configurations of their own: one with an error, and one with an issuer at whose port nobody listens.
BROKEN, DARK = "/etc/jwtauth-broken.yaml", "/etc/jwtauth-dark.yaml"
DARK_ISSUER = "http://127.0.0.1:9"
_DARK = f"""\
issuers:
  dark:
    issuer: {DARK_ISSUER}
    jwks: discover
    audience: {RESOURCE}
    algorithms: [ES256]
    username: ${{preferred_username}}

services:
  imap:
    issuers: [dark]
  smtp:
    issuers: [dark]
"""

# A service that tells the client which scopes it needs.
_SCOPED = f"""\
services:
  mail-scoped:
    issuers: [corp]
    audience: {RESOURCE}
    allow_roles: [mail]
    scope: [login, mail]
"""


def set_up():
    """Gives the authority that vouches for the host's name."""
    host.name_address(NAME)
    authority = Authority(NAME)
    authority.join_system()
    write("/etc/jwtauth/conf.d/mail.yaml", source("mail-jwtauth.yaml"))
    os.makedirs("/etc/cron.d", exist_ok=True)
    done = subprocess.run(["sh", "-ec", source("mail-keys")], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise RuntimeError(done.stdout)
    write("/etc/jwtauth/conf.d/lab-mail.yaml", _SCOPED)
    write(DARK, _DARK)
    write(BROKEN, source("jwtauth.yaml").replace("issuers:", "isuers:"))
    # A password for those who have one, as saslpasswd2(8) says.
    subprocess.run(["saslpasswd2", "-p", "-c", "-u", HOST, "carol"], text=True,
                   input=host.PASSWORD, check=True)
    shutil.chown("/etc/sasldb2", "root", "sasl")
    os.chmod("/etc/sasldb2", 0o640)
    return authority
