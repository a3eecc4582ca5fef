# SPDX-License-Identifier: BSD-2-Clause
"""Debian's sshd on a loopback port under a PAM service name of our choice, and its ssh client."""
import os
import subprocess
import time
from dataclasses import dataclass

import pexpect

from lab import host

PROMPTS = ["JWT: ", "Password: "]
LOGIN_SECONDS = 20

_CONFIGURATION = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
PidFile none
LogLevel DEBUG3
UsePAM yes
KbdInteractiveAuthentication yes
PasswordAuthentication no
PubkeyAuthentication yes
AuthorizedKeysFile {folder}/client_key.pub
PermitRootLogin yes
PrintMotd no
PrintLastLog no
StrictModes no
"""


@dataclass
class Login:
    """How a login went: the client's exit status, what stood on its terminal, and the prompts."""

    status: int
    output: str
    prompts: list


def answer(child, replies):
    """Answers each prompt of a program on a terminal with the next reply, until it ends."""
    prompts, output = [], ""
    while child.expect_exact([pexpect.EOF, *PROMPTS]) != 0:
        output += child.before
        prompts.append(child.after.strip())
        if len(prompts) > len(replies):
            break
        child.sendline(replies[len(prompts) - 1])
    else:
        output += child.before
    child.close()
    return Login(child.exitstatus, output, prompts)


class Sshd:
    """A running sshd whose PAM service is the name it is started by."""

    def __init__(self, service):
        self._folder = os.path.join(host.FOLDER, "sshd", service)
        self.log = os.path.join(self._folder, "log")
        os.makedirs(self._folder)
        os.symlink("/usr/sbin/sshd", os.path.join(self._folder, service))
        for name in ("host_key", "client_key"):
            key = os.path.join(self._folder, name)
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        # sshd reads it with the rights of the user who logs in.
        os.chmod(key + ".pub", 0o644)
        os.chmod(self._folder, 0o711)
        for _ in range(5):
            self.port = host.free_port()
            if self._start(service):
                return
        raise RuntimeError("sshd did not start: " + self.text())

    def _start(self, service):
        configuration = os.path.join(self._folder, "config")
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(_CONFIGURATION.format(port=self.port, folder=self._folder))
        program = os.path.join(self._folder, service)
        self._process = host.start([program, "-D", "-f", configuration, "-E", self.log])
        deadline = time.monotonic() + 10
        while self._process.poll() is None and time.monotonic() < deadline:
            if f"Server listening on 127.0.0.1 port {self.port}." in self.text():
                return True
            time.sleep(0.01)
        self.stop()
        return False

    @property
    def pid(self):
        return self._process.pid

    def stop(self):
        host.stop(self._process)

    def text(self):
        """Everything that sshd logged so far."""
        try:
            with open(self.log, encoding="utf-8", errors="backslashreplace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def client(self, user, command="id", method="keyboard-interactive"):
        """The stock client at a terminal, on its way to log in."""
        options = {
            "PreferredAuthentications": method,
            "IdentityFile": os.path.join(self._folder, "client_key"),
            "IdentitiesOnly": "yes",
            "NumberOfPasswordPrompts": "1",
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": "/dev/null",
            "GlobalKnownHostsFile": "/dev/null",
            "LogLevel": "ERROR",
        }
        arguments = ["-F", "/dev/null", "-p", str(self.port)]
        for option, value in options.items():
            arguments += ["-o", f"{option}={value}"]
        return pexpect.spawn(
            "/usr/bin/ssh", [*arguments, f"{user}@127.0.0.1", command],
            encoding="utf-8", timeout=LOGIN_SECONDS, preexec_fn=host.die_with_parent,
        )

    def login(self, user, *replies, command="id"):
        """Logs in with the client, typing replies at the prompts."""
        return answer(self.client(user, command), replies)

    def login_with_key(self, user, command="id"):
        """Logs in by the public key that this sshd takes from everybody."""
        return answer(self.client(user, command, method="publickey"), [])
