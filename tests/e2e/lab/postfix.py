# SPDX-License-Identifier: BSD-2-Clause
"""Debian's Postfix, set up as its package does, with TLS, and then as the README says."""
import os
import subprocess

from lab import host
from lab.mailhost import BROKEN, DARK
from lab.site import source, write

# Services like the README's submission, each by a port, whether it is in a jail as Debian has it,
# and settings of its own.
_DEFAULT = ["smtpd_tls_security_level=may", "line_length_limit=2048"]
_SERVICES = {
    "jailed": (587, True, []),
    "free": (1587, False, []),
    # What it offers, and how much it takes, as Postfix comes.
    "free-default": (2587, False, _DEFAULT),
    "jailed-dark": (3587, True, ["smtpd_sasl_path=dark"]),
    "free-dark": (4587, False, ["smtpd_sasl_path=dark"]),
    # For clients that choose for themselves.
    "jailed-xoauth2": (5587, True, ["smtpd_sasl_path=xoauth2"]),
    "free-xoauth2": (6587, False, ["smtpd_sasl_path=xoauth2"]),
    # Passwords beside tokens.
    "free-plain": (9587, False, ["smtpd_sasl_path=plain"]),
    "jailed-broken": (7587, True, ["smtpd_sasl_path=broken"]),
    "jailed-absent": (8587, True, ["smtpd_sasl_path=absent"]),
}
PORTS = {name: port for name, (port, _, _) in _SERVICES.items()}

# What the files named by smtpd_sasl_path have beside, or instead of, the README's lines.
_SASL_PATHS = {
    "dark": f"jwtauth_config: {DARK}",
    "xoauth2": "mech_list: XOAUTH2",
    "plain": "mech_list: OAUTHBEARER XOAUTH2 PLAIN\npwcheck_method: auxprop",
    "broken": f"jwtauth_config: {BROKEN}",
    "absent": "jwtauth_service: mail-absent",
}

# The server as its owner has it already: what somebody sends who may is thrown away.
_OWN = """\
myhostname = mail.example.com
mydestination =
mynetworks =
alias_maps =
inet_protocols = ipv4
default_transport = discard
smtpd_tls_security_level = may
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
"""


def _read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def _service(port, jailed, settings):
    """A service of master.cf: the README's at another port."""
    text = source("mail-master.cf").replace("submission inet", f"{port} inet")
    if not jailed:
        text = text.replace(" -       y       -", " -       n       -")
    return text + "".join(f"  -o {setting}\n" for setting in settings)


class Postfix:
    """A running Postfix. Its log is syslog."""

    log = "postfix"

    def __init__(self, authority):
        own = _OWN.format(certificate=authority.certificate, key=authority.key)
        write("/etc/postfix/main.cf", _read("/usr/share/postfix/main.cf.debian") + own)
        write("/etc/postfix/master.cf", _read("/usr/share/postfix/master.cf.dist") +
              "".join(_service(*service) for service in _SERVICES.values()))
        write("/etc/postfix/sasl/smtpd.conf", source("mail-smtpd.conf"))
        for name, line in _SASL_PATHS.items():
            lines = [other for other in source("mail-smtpd.conf").splitlines()
                     if other.split(":")[0] != line.split(":")[0]]
            write(f"/etc/postfix/sasl/{name}.conf", "\n".join([*lines, line, ""]))
        # For smtpd, too, which is in no group of Debian's sasl.
        os.chmod("/etc/sasldb2", 0o644)
        host.empty("/var/spool/postfix")
        host.empty("/var/lib/postfix", "postfix", "postfix")
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
