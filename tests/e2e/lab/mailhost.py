# SPDX-License-Identifier: BSD-2-Clause
"""A mail host before its servers start: a name, a certificate, and what the README says."""
import os
import shutil
import subprocess

from lab import host
from lab.ca import Authority
from lab.mail import NAME, RESOURCE
from lab.site import HOST, source, write

# A configuration with an error in it.
BROKEN = "/etc/jwtauth/broken"

# Services for settings of the tests' own. Nobody listens at the issuer's port.
DARK_ISSUER = "http://127.0.0.1:9"
_SERVICES = f"""\
issuers:
  dark:
    issuer: {DARK_ISSUER}
    jwks: discover
    audience: {RESOURCE}
    algorithms: [ES256]
    username: ${{preferred_username}}

services:
  mail-dark:
    issuers: [dark]
  mail-scoped:
    issuers: [corp]
    audience: {RESOURCE}
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
    # Only now, since keys of this issuer cannot be refreshed.
    write("/etc/jwtauth/conf.d/lab-mail.yaml", _SERVICES)
    write(BROKEN, source("jwtauth.yaml").replace("issuers:", "isuers:"))
    # A password for those who have one, as saslpasswd2(8) says.
    subprocess.run(["saslpasswd2", "-p", "-c", "-u", HOST, "carol"], text=True,
                   input=host.PASSWORD, check=True)
    shutil.chown("/etc/sasldb2", "root", "sasl")
    os.chmod("/etc/sasldb2", 0o640)
    return authority
