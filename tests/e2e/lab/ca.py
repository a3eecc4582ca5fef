# SPDX-License-Identifier: BSD-2-Clause
"""A certification authority of the laboratory, by openssl(1), and the certificate it gives out."""
import os
import pwd
import shutil
import subprocess

from lab import host

_NEW = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
        "-nodes", "-days", "2"]


class Authority:
    """An authority, and the certificate it gives to one host name (and to localhost's address)."""

    def __init__(self, name):
        self._folder = os.path.join(host.FOLDER, "authority", name)
        os.makedirs(self._folder)
        self.root, root_key, self.certificate, self.key = (
            os.path.join(self._folder, file)
            for file in ("root.pem", "root.key", "host.pem", "host.key")
        )
        for arguments in (
            ["-subj", f"/CN=authority of {name}", "-keyout", root_key, "-out", self.root],
            ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1",
             "-CA", self.root, "-addext", "basicConstraints=critical,CA:FALSE",
             "-CAkey", root_key, "-keyout", self.key, "-out", self.certificate],
        ):
            subprocess.run([*_NEW, *arguments], check=True, stderr=subprocess.DEVNULL)

    def text(self):
        with open(self.root, encoding="utf-8") as file:
            return file.read()

    def join_system(self):
        """Lets every program of this host trust it."""
        with open("/etc/ssl/certs/ca-certificates.crt", "a", encoding="utf-8") as file:
            file.write(self.text())

    def key_for(self, user):
        """A copy of the certificate's key that this user, and nobody else but root, can read."""
        path = os.path.join(self._folder, f"{user}.key")
        shutil.copyfile(self.key, path)
        os.chmod(path, 0o600)
        os.chown(path, pwd.getpwnam(user).pw_uid, -1)
        return path
