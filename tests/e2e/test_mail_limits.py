# SPDX-License-Identifier: BSD-2-Clause
"""How long a token may be at each mail server, before and after the README's settings."""
import os
import smtplib
from dataclasses import dataclass

import pytest

from lab import imapd as imapd_lab, postfix as postfix_lab
from lab.mail import RESOURCE, Imap, Smtp
from lab.sasl import message
from lab.site import SOURCES

pytestmark = pytest.mark.usefixtures("imapd", "postfix")

SIZES = (1024, 4096, 8192, 16384)

# What one more of these bytes makes of a token that just fits, beside the bytes of a longer name.
MARGIN = 64


@dataclass
class Way:
    """How a token reaches a server: with the command, or once the server has asked for it."""

    text: str
    server: str
    service: str
    at_once: bool
    largest: int

    def row(self):
        """Its line of the README's table."""
        cells = ["yes" if size <= self.largest else "no" for size in SIZES]
        return f"| {self.text} | {' | '.join(cells)} | {self.largest} |"


# Measured with a user of five letters. No token of more than 16384 bytes is good anywhere.
WAYS = [
    Way("cyrus-imapd, at once", "imap", "imap", True, 16384),
    Way("cyrus-imapd, when asked", "imap", "imap", False, 16340),
    Way("Postfix as it comes, at once", "smtp", "free-default", True, 1480),
    Way("Postfix as it comes, when asked", "smtp", "free-default", False, 9170),
    Way("Postfix with the lines above, at once", "smtp", "free", True, 16384),
    Way("Postfix with the lines above, when asked", "smtp", "free", False, 9170),
]


def token_of(site, size):
    """A token of that many bytes, or of one less where base64 has no such length."""
    used = len(site.signed_token(RESOURCE, pad=""))
    padding = max(0, (size - used) * 3 // 4 - 3)
    token = site.signed_token(RESOURCE, pad="x" * padding)
    while True:
        padding += 1
        longer = site.signed_token(RESOURCE, pad="x" * padding)
        if len(longer) > size:
            return token
        token = longer


def accepted(way, token):
    """Whether a login with the token succeeds. A server may hang up on what is too long."""
    first = message("OAUTHBEARER", token, "alice")
    try:
        if way.server == "imap":
            connection = Imap(imapd_lab.PORTS[way.service])
            result = connection.exchange("OAUTHBEARER", first, b"\1", initial=way.at_once).result
            connection.shutdown()
            return result == "OK"
        with Smtp(postfix_lab.PORTS[way.service]) as connection:
            answer = connection.exchange("OAUTHBEARER", first, b"\1", initial=way.at_once)
            return answer.result == "235"
    except (EOFError, OSError, smtplib.SMTPServerDisconnected):
        return False


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.text)
def test_largest_token(site, way):
    for size in SIZES:
        token = token_of(site, size)
        assert len(token) in (size, size - 1)
        assert accepted(way, token) == (size <= way.largest), size
    assert accepted(way, token_of(site, way.largest))
    assert not accepted(way, token_of(site, way.largest + MARGIN))


def test_the_readme_says_so():
    with open(os.path.join(SOURCES, "../../README.md"), encoding="utf-8") as file:
        readme = file.read().splitlines()
    for way in WAYS:
        assert way.row() in readme
