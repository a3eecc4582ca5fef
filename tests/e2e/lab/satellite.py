# SPDX-License-Identifier: BSD-2-Clause
"""A second Postfix, on a host that has no mail server, which hands its mail over as the README says."""
import os
import shutil
import subprocess

from lab import host
from lab.site import source, write

_FOLDER = "/etc/postfix-satellite"
_SPOOL = "/var/spool/postfix-satellite"

# Mail for the domain of such a name goes out as the text says, other mail to the relayhost.
_ROUTES = {
    "xoauth2": "smtpx:[mail.example.com]:587",
    "refused": "smtp:[mail.example.com]:1587",
    "password": "smtppw:[mail.example.com]:9587",
    "dark": "smtp:[mail.example.com]:3587",
}
_OWN = f"""\
myhostname = satellite.example.com
queue_directory = {_SPOOL}
data_directory = /var/lib/postfix-satellite
mydestination =
alias_maps =
inet_protocols = ipv4
smtp_host_lookup = native
transport_maps = texthash:{_FOLDER}/transport
"""


def _second(path):
    """When a file was written, in whole seconds; None without it."""
    return int(os.stat(path).st_mtime) if os.path.exists(path) else None


class Satellite:
    """A running Postfix that only sends. tokens: nexthop → user:token. Its log is syslog."""

    log = "satellite"

    def __init__(self, tokens):
        with open("/usr/share/postfix/main.cf.debian", encoding="utf-8") as file:
            stock = file.read()
        # It has a folder of its own, which the relay's lines do not know.
        lines = source("mail-relay-main.cf").replace("/etc/postfix/relay_token",
                                                     f"{_FOLDER}/relay_token")
        write(f"{_FOLDER}/main.cf", stock + _OWN + lines)
        with open("/usr/share/postfix/master.cf.dist", encoding="utf-8") as file:
            services = [line for line in file if not line.startswith("smtp      inet")]
        no_token = source("mail-relay-password").splitlines()[1].replace(" ", "")
        write(f"{_FOLDER}/master.cf", "".join(services) +
              "smtpx unix - - y - - smtp -o smtp_sasl_mechanism_filter=xoauth2\n"
              f"smtppw unix - - y - - smtp -o {no_token}\n")
        write(f"{_FOLDER}/transport", "".join(
            f"{name}.example.org {route}\n" for name, route in _ROUTES.items()))
        self.use(tokens)
        os.mkdir("/var/lib/postfix-satellite")
        shutil.chown("/var/lib/postfix-satellite", "postfix")
        os.makedirs(f"{_SPOOL}/etc")
        for name in ("hosts", "nsswitch.conf", "services"):
            shutil.copy(f"/etc/{name}", f"{_SPOOL}/etc/{name}")
        self._process = host.start_service(
            ["/usr/sbin/postfix", "-c", _FOLDER, "start-fg"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        host.wait_until(lambda: os.path.exists(f"{_SPOOL}/public/pickup"),
                        "the start of the second Postfix", self._process)

    def use(self, tokens):
        """Goes on with these tokens. Running processes notice it by the table's time."""
        path = f"{_FOLDER}/relay_token"
        before = _second(f"{path}.db")

        def written():
            write(path, "".join(f"{nexthop} {secret}\n" for nexthop, secret in tokens.items()))
            return _second(path) != before

        # To Postfix a time has whole seconds: of a table that is made twice in one second, it goes
        # on with the first.
        host.wait_until(written, "another second than that of the last table")
        os.chmod(path, 0o600)
        subprocess.run(["postmap", "-c", _FOLDER, f"hash:{path}"], check=True)

    def send(self, recipient):
        subprocess.run(
            ["/usr/sbin/sendmail", "-C", _FOLDER, "-f", "cron@satellite.example.com", recipient],
            input="Subject: hello\n\nhello\n", text=True, check=True, timeout=20,
        )

    def stop(self):
        host.stop_service(self._process)

    def text(self):
        """Nothing: all that it logs is in syslog."""
        return ""
