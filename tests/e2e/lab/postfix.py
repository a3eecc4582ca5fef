# SPDX-License-Identifier: BSD-2-Clause
"""Debian's Postfix, set up as its package does, with TLS, and then as the README says."""
import subprocess

from lab import host
from lab.site import source, write

# Services of one server: a port, whether it is in the jail as Debian's smtpd is, and settings.
_DEFAULT = "-o smtpd_tls_auth_only=no -o line_length_limit=2048"
_XOAUTH2 = "-o smtpd_sasl_path=xoauth2"
_DARK = "-o smtpd_sasl_path=dark"
_SERVICES = {
    "jailed": (25, "y", ""),
    "free": (587, "n", ""),
    # What it offers, and how much it takes, without the README's lines.
    "jailed-default": (1025, "y", _DEFAULT),
    "free-default": (1587, "n", _DEFAULT),
    "jailed-dark": (2025, "y", _DARK),
    "free-dark": (2587, "n", _DARK),
    # For clients that choose for themselves.
    "jailed-xoauth2": (3025, "y", _XOAUTH2),
    "free-xoauth2": (3587, "n", _XOAUTH2),
}
PORTS = {name: port for name, (port, _, _) in _SERVICES.items()}

# The server as its owner has it already: what somebody sends who may is thrown away.
_OWN = """\
myhostname = mail.example.com
mydestination =
mynetworks =
alias_maps =
inet_protocols = ipv4
default_transport = discard
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_tls_security_level = may
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
"""


def _read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


class Postfix:
    """A running Postfix. Its log is syslog."""

    log = "postfix"

    def __init__(self, authority):
        own = _OWN.format(certificate=authority.certificate, key=authority.key)
        write("/etc/postfix/main.cf",
              _read("/usr/share/postfix/main.cf.debian") + own + source("mail-main.cf"))
        services = "".join(f"{port} inet n - {jail} - - smtpd {options}\n"
                           for name, (port, jail, options) in _SERVICES.items() if name != "jailed")
        write("/etc/postfix/master.cf", _read("/usr/share/postfix/master.cf.dist") + services)
        write("/etc/postfix/sasl/smtpd.conf", source("mail-smtpd.conf"))
        write("/etc/postfix/sasl/dark.conf",
              source("mail-smtpd.conf") + "jwtauth_service: mail-dark\n")
        write("/etc/postfix/sasl/xoauth2.conf", "mech_list: XOAUTH2\n")
        subprocess.run(["/usr/lib/postfix/configure-instance.sh", "-"], check=True)
        self._process = host.start_service(
            ["/usr/sbin/postfix", "start-fg"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        host.wait_until(lambda: host.is_open(PORTS["jailed"]), "the start of Postfix", self._process)

    def stop(self):
        host.stop_service(self._process)

    def text(self):
        """Nothing: all that it logs is in syslog."""
        return ""
