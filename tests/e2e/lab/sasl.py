# SPDX-License-Identifier: BSD-2-Clause
"""The two SASL mechanisms that carry a token, and everyone whom a server refuses by them.

A refusal is to be the same at every server: the error that the client is told (RFC 7628 section
3.2.2), a permanent failure, and the reason in the audit line.
"""
import time
from dataclasses import dataclass

from lab import tokens

MECHANISMS = ("OAUTHBEARER", "XOAUTH2")


def message(mechanism, token, user=""):
    """The client's first message. user: whom it wants to be, or nobody in particular."""
    if mechanism == "XOAUTH2":
        return f"user={user}\1auth=Bearer {token}\1\1".encode()
    name = user.replace("=", "=3D").replace(",", "=2C")
    return f"n,{'a=' + name if name else ''},\1auth=Bearer {token}\1\1".encode()


@dataclass
class Refusal:
    """Someone who is refused: token(site, audience) is what he shows, user whom he wants to be."""

    reason: str
    token: callable
    user: str = "alice"
    authenticated: bool = False

    @property
    def sasl_text(self):
        """The text of libsasl for its result."""
        return "authorization failure" if self.authenticated else "authentication failure"

    def error(self, mechanism):
        """The status that the client is told."""
        if mechanism == "XOAUTH2":
            return "403" if self.authenticated else "401"
        return "insufficient_scope" if self.authenticated else "invalid_token"


def _expired(site, audience):
    return site.signed_token(audience, exp=int(time.time()) - 60, iat=int(time.time()) - 120)


def _forged(site, audience):
    token = site.token("alice", resource=audience)
    return site.used(tokens.with_claims(token, sub="bob", preferred_username="bob"))


def _tampered(site, audience):
    return site.used(tokens.with_broken_signature(site.token("alice", resource=audience)))


def _unsigned(site, audience):
    return site.used(tokens.unsigned(site.token("alice", resource=audience)))


REFUSALS = {
    "expired": Refusal("expired", _expired),
    "other audience": Refusal(
        "audience", lambda site, _: site.token(resource="https://other.example.com")),
    "tampered": Refusal("signature", _tampered),
    "forged": Refusal("signature", _forged, user="bob"),
    "unsigned": Refusal("alg-none", _unsigned),
    "no user": Refusal("client-token", lambda site, audience: site.client_token(resource=audience)),
    "missing role": Refusal(
        "not-allowed", lambda site, audience: site.token("alice-visiting", resource=audience),
        authenticated=True),
    "another user": Refusal(
        "proxy", lambda site, audience: site.token("alice", resource=audience), user="bob",
        authenticated=True),
    "root": Refusal(
        "user-system", lambda site, audience: site.token("mallory", resource=audience), user="root",
        authenticated=True),
}
