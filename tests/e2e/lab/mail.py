# SPDX-License-Identifier: BSD-2-Clause
"""People with mail: what they send to the servers, by hand and by the programs they use."""
import base64
import imaplib
import json
import os
import shutil
import smtplib
import ssl
import subprocess
from dataclasses import dataclass, field

from lab import host
from lab.idp import modules
from lab.site import HOST, SOURCES

NAME = "mail.example.com"
RESOURCE = f"mail://{HOST}"


def trust():
    return ssl.create_default_context()


@dataclass
class Answer:
    """How a server ended an exchange, and what it asked or told before."""

    result: str
    text: str
    challenges: list = field(default_factory=list)


class Imap(imaplib.IMAP4):
    """A connection to the IMAP server, with TLS unless told otherwise."""

    def __init__(self, port, tls=True):
        super().__init__(NAME, port, timeout=20)
        if tls:
            self.starttls(trust())

    def mechanisms(self):
        return {word.removeprefix("AUTH=") for word in self.capabilities if word[:5] == "AUTH="}

    def exchange(self, mechanism, *messages, initial=False):
        """Sends these messages, the first with the command if initial; gives an Answer."""
        tag, left = self._new_tag(), [base64.b64encode(text) for text in messages]
        words = [tag, b"AUTHENTICATE", mechanism.encode()] + ([left.pop(0)] if initial else [])
        self.send(b" ".join(words) + b"\r\n")
        answer = Answer("", "")
        while True:
            line = self.readline().rstrip(b"\r\n")
            if not line:
                raise EOFError(f"the server ended the exchange after {answer}")
            if line.startswith(b"+"):
                answer.challenges.append(base64.b64decode(line[2:]))
                self.send((left.pop(0) if left else b"") + b"\r\n")
            elif line.startswith(tag):
                answer.result, answer.text = line.decode().split(" ", 2)[1:]
                if answer.result == "OK":
                    self.state = "AUTH"
                return answer

    def folders(self):
        kind, listed = self.list()
        assert kind == "OK", listed
        return [line.decode().rpartition(' "." ')[2] for line in listed if line]


class Smtp(smtplib.SMTP):
    """A connection to the SMTP server, with TLS unless told otherwise."""

    def __init__(self, port, tls=True):
        super().__init__(NAME, port, timeout=20)
        if tls:
            self.starttls(context=trust())
        self.ehlo()

    def mechanisms(self):
        return set(self.esmtp_features.get("auth", "").split())

    def exchange(self, mechanism, *messages, initial=True):
        """Sends these messages, the first with the command if initial; gives an Answer."""
        left = [base64.b64encode(text).decode() for text in messages]
        words = [mechanism] + ([left.pop(0)] if initial else [])
        answer = Answer("", "")
        code, text = self.docmd("AUTH", " ".join(words))
        while code == 334:
            answer.challenges.append(base64.b64decode(text))
            code, text = self.docmd(left.pop(0) if left else "")
        answer.result, answer.text = str(code), text.decode()
        return answer


def _run(arguments, text, **options):
    return subprocess.run(
        arguments, input=text, text=True, timeout=30, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options,
    )


def curl(url, user, token, *settings, data=""):
    """Runs curl with STARTTLS; settings: further lines for its configuration."""
    lines = [f'url = "{url}"', "ssl-reqd", f'user = "{user}:"', f'oauth2-bearer = "{token}"',
             "silent", "show-error", "verbose", "max-time = 20", *settings]
    configuration = os.path.join(host.FOLDER, "curlrc")
    with open(configuration, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return _run(["curl", "-K", configuration], data)


def node(program, port, user, token):
    """Runs a client of mail.mjs; gives what it says of its login."""
    folder = os.path.join(host.FOLDER, "mail")
    if not os.path.isdir(folder):
        os.mkdir(folder)
        os.symlink(os.path.join(modules(), "node_modules"), os.path.join(folder, "node_modules"))
        shutil.copy(os.path.join(SOURCES, "mail.mjs"), folder)
    settings = {"program": program, "host": NAME, "port": port, "user": user, "token": token}
    done = _run(
        ["node", os.path.join(folder, "mail.mjs")], json.dumps(settings),
        env={**os.environ, "NODE_EXTRA_CA_CERTS": "/etc/ssl/certs/ca-certificates.crt"},
    )
    assert done.returncode == 0, done.stdout
    return json.loads(done.stdout.splitlines()[-1])


def imtest(port, user, token, mechanism):
    """Runs Cyrus's own client, which uses our client plug-in, and logs out."""
    return _run(
        ["/usr/lib/cyrus/bin/imtest", "-t", "", "-p", str(port), "-m", mechanism, "-a", user, "-u", user,
         "-w", token, NAME],
        ". logout\n",
    )
