# SPDX-License-Identifier: BSD-2-Clause
"""Debian's cyrus-imapd, set up as its package does, with TLS, and then as the README says."""
import os
import re
import shutil
import subprocess

from lab import host
from lab.mailhost import BROKEN, DARK
from lab.site import source, write

PORT = 143

# Other services of the same server, each by a port and by a prefix for settings of its own.
_SERVICES = {
    # XOAUTH2 alone, for clients that choose for themselves.
    "imapx": (1143, "", "sasl_mech_list: XOAUTH2"),
    # What it offers before TLS as Debian's own file has it.
    "imapplain": (2143, "", "allowplaintext: yes"),
    # One process for any number of sessions, and no TLS, to be quick.
    "imaplong": (3143, "maxchild=1", "allowplaintext: yes"),
    # A process for each session.
    "imapfresh": (8143, "", "allowplaintext: yes"),
    "imapdark": (4143, "", f"sasl_jwtauth_config: {DARK}"),
    "imapscoped": (5143, "", "sasl_jwtauth_service: mail-scoped"),
    "imapbroken": (6143, "", f"sasl_jwtauth_config: {BROKEN}"),
    "imapabsent": (7143, "", "sasl_jwtauth_service: mail-absent"),
}
PORTS = {"imap": PORT, **{name: port for name, (port, _, _) in _SERVICES.items()}}

# The server as its owner has it already, except for the pause after each refused login.
_OWN = """\
tls_server_cert: {certificate}
tls_server_key: {key}
failedloginpause: 0
"""


def merge(text, lines):
    """The text of an imapd.conf with these lines in place of those that set the same options.

    An option that stands twice ends imapd without a word.
    """
    names = re.findall(r"^([a-z_]+):", lines, re.MULTILINE)
    kept = [line for line in text.splitlines() if line.split(":")[0] not in names]
    return "\n".join(kept) + "\n" + lines


def _master():
    lines = [f'imap cmd="imapd -U 30" listen="{PORT}" prefork=1']
    for name, (port, options, _) in _SERVICES.items():
        uses = {"imaplong": 1000000, "imapfresh": 1}.get(name, 30)
        lines.append(f'{name} cmd="imapd -U {uses}" listen="{port}" {options}')
    return ('START {\n    recover cmd="/usr/sbin/cyrus ctl_cyrusdb -r"\n}\n'
            "SERVICES {\n    " + "\n    ".join(lines) + "\n}\nEVENTS {\n}\n")


class Imapd:
    """A running master with imapd. Its log is syslog."""

    log = "imapd"

    def __init__(self, authority):
        with open("/etc/imapd.conf", encoding="utf-8") as file:
            stock = file.read()
        own = _OWN.format(certificate=authority.certificate, key=authority.key_for("cyrus"))
        own += "".join(f"{name}_{line}\n" for name, (_, _, line) in _SERVICES.items())
        write("/etc/imapd.conf", merge(merge(stock, own), source("mail-imapd.conf")))
        write("/etc/cyrus.conf", _master())
        for folder in ("/var/lib/cyrus", "/var/spool/cyrus"):
            host.empty(folder, "cyrus", "mail")
        for folder in ("/run/cyrus", "/run/cyrus/socket"):
            os.mkdir(folder)
            shutil.chown(folder, "cyrus", "mail")
        subprocess.run(["/usr/sbin/cyrus", "makedirs"], check=True, stdout=subprocess.DEVNULL)
        self._process = host.start_service(
            ["/usr/sbin/cyrmaster", "-C", "/etc/imapd.conf", "-M", "/etc/cyrus.conf", "-D"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        host.wait_until(lambda: host.is_open(PORT), "the start of cyrus-imapd", self._process)

    def stop(self):
        host.stop_service(self._process)

    def text(self):
        """Nothing: all that it logs is in syslog."""
        return ""
