# SPDX-License-Identifier: BSD-2-Clause
"""An issuer of its own with a service that trusts it alone, for tests that harm their provider."""
import os
import re

from cachefile import whole

from lab import host
from lab.idp import Idp
from lab.site import ACCOUNTS, CLIENTS, RESOURCE, write

FIRST = {"key-1": "ES256"}

_CLIENT = "laptop-es256"
_CONFIGURATION = """\
issuers:
  {name}:
    issuer: {issuer}
    jwks: discover
    audience: {audience}
    algorithms: [ES256]
    username: ${{preferred_username}}
    roles: [{roles}]
{settings}
services:
  {service}:
    issuers: [{name}]
    allow_roles: [ops]
"""


class Party:
    """idp has a url, which is its issuer, and stop()."""

    def __init__(self, site, name, idp, audience=RESOURCE, roles="/roles", settings=""):
        self.site, self.name, self.idp = site, name, idp
        self.service = f"sshd-{name}"
        self._file = f"/etc/jwtauth/conf.d/{name}.yaml"
        write(self._file, _CONFIGURATION.format(
            name=name, issuer=idp.url, audience=audience, roles=roles, settings=settings,
            service=self.service,
        ))

    def close(self):
        self.idp.stop()
        os.unlink(self._file)

    def token(self, login="alice"):
        return self.site.used(self.idp.token(login, _CLIENT, RESOURCE))

    def sshd(self, stack=None):
        return self.site.sshd(self.service, stack)

    def login(self, token=None):
        return self.sshd().login("alice", token or self.token())

    def refresh(self, *options):
        return self.site.jwtauth("keys", "refresh", "--issuer", self.name, *options)

    def age_cache(self, seconds):
        """Lets the cache look as it will in so many seconds, without waiting for them."""
        age_cache(host.CACHE, self.name, seconds)

    def paths(self):
        """What the helper asked the provider for so far."""
        return [request.url for request in self.idp.requests()]


def age_cache(folder, issuer, seconds):
    """Lets what a folder of the cache has of an issuer look as it will in so many seconds."""
    for suffix, words in (("jwks", b"fetched"), ("state", b"attempted|forced")):
        path = os.path.join(folder, f"{issuer}.{suffix}")
        with open(path, "rb") as file:
            text, owner = file.read(), os.stat(path)
        text, count = re.subn(
            rb"^(%s) (\d+)$" % words,
            lambda found: b"%s %d" % (found[1], max(0, int(found[2]) - seconds)),
            text, flags=re.MULTILINE,
        )
        assert count == len(words.split(b"|")), text
        write(path + ".new", whole(text) if suffix == "jwks" else text)
        os.chmod(path + ".new", owner.st_mode)
        os.chown(path + ".new", owner.st_uid, owner.st_gid)
        os.rename(path + ".new", path)


def with_oidc_provider(site, name, keys=None, settings="", **options):
    """A party whose provider is oidc-provider, with plain http unless options say otherwise."""
    options.setdefault("issuer", f"http://127.0.0.1:{host.free_port()}")
    idp = Idp(CLIENTS, ACCOUNTS, keys or FIRST, **options)
    return Party(site, name, idp, settings=settings)
