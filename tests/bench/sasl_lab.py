#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs bench-sasl where cyrus-imapd and Dovecot's auth process answer.

    sasl_lab.py BUILD FOLDER [OPTION]...

BUILD is installed on the private host of the end-to-end tests (tests/e2e/lab). FOLDER holds
bench-sasl and bench-sasl-mint; OPTIONs are bench-sasl's.
"""
import base64
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from lab import host  # noqa: E402
from lab.ca import Authority  # noqa: E402
from lab.imapd import PORTS, Imapd  # noqa: E402

USER = "benchuser"
SETTINGS = "/etc/jwtauth"
DOVECOT = os.path.join(host.FOLDER, "dovecot")
SOCKET = os.path.join(DOVECOT, "run", "auth-bench")

# Local validation, no penalty, no waiting: as fast as it goes.
DOVECOT_SETTINGS = f"""\
base_dir = {DOVECOT}/run
state_dir = {DOVECOT}/run
log_path = {DOVECOT}/log
protocols =
ssl = no
disable_plaintext_auth = no
auth_mechanisms = oauthbearer xoauth2
auth_failure_delay = 0
default_internal_user = {USER}
default_login_user = {USER}
default_internal_group = {USER}
passdb {{
  driver = oauth2
  mechanisms = oauthbearer xoauth2
  args = {DOVECOT}/oauth2.conf
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home=/nonexistent
}}
service auth {{
  client_limit = 100
  unix_listener auth-bench {{
    mode = 0666
  }}
}}
service stats {{
  client_limit = 100
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""
DOVECOT_OAUTH2 = f"""\
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={DOVECOT}/keys/
username_attribute = preferred_username
issuers = https://idp.example.com/realms/bench
"""


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def start_imapd():
    """With a password for USER in sasldb, as saslpasswd2(8) makes it."""
    authority = Authority("imap.example.com")
    password = host.PASSWORD
    subprocess.run(["saslpasswd2", "-p", "-c", "-u", os.uname().nodename, USER], text=True,
                   input=password, check=True)
    message = base64.b64encode(f"\0{USER}\0{password}".encode()).decode()
    return Imapd(authority), PORTS["imaplong"], message


def start_dovecot():
    write(os.path.join(DOVECOT, "dovecot.conf"), DOVECOT_SETTINGS)
    write(os.path.join(DOVECOT, "oauth2.conf"), DOVECOT_OAUTH2)
    # By the tokens' azp, algorithm and kid.
    keys = os.path.join(DOVECOT, "keys", "console", "ES256")
    os.makedirs(keys)
    shutil.copy(os.path.join(SETTINGS, "key.pem"), os.path.join(keys, "bench"))
    os.makedirs(os.path.join(DOVECOT, "run"))
    process = host.start_service(
        ["/usr/sbin/dovecot", "-F", "-c", os.path.join(DOVECOT, "dovecot.conf")])
    host.wait_until(lambda: os.path.exists(SOCKET), "the start of Dovecot", process)
    return process


def main():
    build, folder, *options = sys.argv[1:]
    programs = os.path.join(host.FOLDER, "bench")
    host.enter()
    # As systemd sets it: senders to /dev/log wait only where it really falls behind.
    write("/proc/sys/net/unix/max_dgram_qlen", "512\n")
    shutil.copytree(folder, programs)
    host.install(build)
    host.add_user(USER)
    os.makedirs(SETTINGS, exist_ok=True)
    subprocess.run([os.path.join(programs, "bench-sasl-mint"), SETTINGS, USER], check=True)
    imapd, port, password = start_imapd()
    dovecot = start_dovecot()
    try:
        done = subprocess.run([os.path.join(programs, "bench-sasl"), *options, SETTINGS, USER,
                               str(port), password, SOCKET], check=False)
    finally:
        imapd.stop()
        host.stop_service(dovecot)
    sys.exit(done.returncode)


main()
