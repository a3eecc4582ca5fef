# SPDX-License-Identifier: BSD-2-Clause
"""The identity provider (idp.mjs) and a person who gets tokens from it in the device flow."""
import base64
import html.parser
import http.cookiejar
import json
import os
import shutil
import signal
import ssl
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass

from lab import host

ISSUER = "https://idp.example.com"
SCOPE = "login"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
CLIENT_SECRET = "secret-of-a-test-client"

_SOURCES = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_TOP = os.path.dirname(os.path.dirname(_SOURCES))


def modules():
    """The folder with node_modules: that of $JWTAUTH_E2E_MODULES, else where ./dev makes it."""
    folder = os.environ.get("JWTAUTH_E2E_MODULES") or os.path.join(_TOP, "build", "e2e")
    if not os.path.isdir(os.path.join(folder, "node_modules", "oidc-provider")):
        raise FileNotFoundError(
            f"{folder}/node_modules has no oidc-provider: run ./dev e2e, or npm ci with "
            "tests/e2e/package.json and its lock there"
        )
    return os.path.abspath(folder)


class _Form(html.parser.HTMLParser):
    """The first form of a page: where it goes and what its fields hold."""

    def __init__(self, page):
        super().__init__()
        self.action = None
        self.fields = {}
        self.text = " ".join(page.split())
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "form" and self.action is None:
            self.action = attributes["action"]
        elif tag == "input" and "name" in attributes:
            self.fields[attributes["name"]] = attributes.get("value") or ""


def _opener(authority, *handlers):
    context = ssl.create_default_context(cafile=authority.root if authority else None)
    return urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context), *handlers
    )


@dataclass
class Request:
    """One that came to the provider."""

    method: str
    url: str
    headers: dict


class Person:
    """Someone with a browser who logs in at the provider and agrees to everything."""

    def __init__(self, login, authority=None):
        jar = http.cookiejar.CookieJar()
        self._login = login
        self._browser = _opener(authority, urllib.request.HTTPCookieProcessor(jar))

    def approve(self, url):
        """Follows a verification_uri_complete to its end: code, login, consent."""
        answers = {"login": self._login, "password": "any will do"}
        response = self._browser.open(url, timeout=10)
        for _ in range(8):
            form = _Form(response.read().decode())
            if form.action is None:
                break
            fields = {**form.fields, **{k: v for k, v in answers.items() if k in form.fields}}
            response = self._browser.open(
                urllib.parse.urljoin(response.url, form.action),
                urllib.parse.urlencode(fields).encode(),
                timeout=10,
            )
        if "Sign-in Success" not in form.text:
            raise RuntimeError(f"the device flow ended with: {form.text[-400:]}")


class Idp:
    """A running provider. clients, accounts, keys and max_age are as idp.mjs says."""

    def __init__(self, clients, accounts, keys, issuer=ISSUER, authority=None, max_age=None):
        self.url, self._authority = issuer, authority
        self._folder = os.path.join(host.FOLDER, "idp", urllib.parse.quote(issuer, safe=""))
        os.makedirs(self._folder)
        found = modules()
        os.symlink(os.path.join(found, "node_modules"), os.path.join(self._folder, "node_modules"))
        shutil.copy(os.path.join(_SOURCES, "idp.mjs"), self._folder)
        settings = {
            "issuer": issuer, "clients": clients, "accounts": accounts, "keys": keys,
            "requests": os.path.join(self._folder, "requests"),
        }
        if authority:
            settings["tls"] = {"key": authority.key, "cert": authority.certificate}
        if max_age is not None:
            settings["max_age"] = max_age
        self._opener = _opener(authority)
        self._start(settings)

    def _start(self, settings):
        path = os.path.join(self._folder, "settings.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(settings, file)
        self.log = os.path.join(self._folder, "log")
        with open(self.log, "wb") as log:
            self._process = host.start(
                ["node", os.path.join(self._folder, "idp.mjs"), path],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            )
        self._answer()

    def _answer(self):
        """The next answer in the provider's output; oidc-provider writes its notices there, too."""
        for line in self._process.stdout:
            if line.startswith(b"{"):
                return json.loads(line)
        with open(self.log, encoding="utf-8") as log:
            raise RuntimeError("the identity provider gave up: " + log.read())

    def _command(self, command):
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        self._process.stdin.flush()
        return self._answer()

    def stop(self):
        if self._process.poll() is None:
            host.stop(self._process)
        self._process.stdin.close()
        self._process.stdout.close()

    def hang(self, yes):
        """Takes connections and answers none, or does so again."""
        self._process.send_signal(signal.SIGSTOP if yes else signal.SIGCONT)

    def use_keys(self, keys):
        """Goes on with these keys, kid → algorithm; the first of an algorithm signs."""
        self._command({"keys": keys})

    def sign(self, claims):
        """A token with any claims, by the provider's key."""
        return self._command({"sign": claims})["token"]

    def requests(self, user_agent="jwtauth-fetch/"):
        """The requests so far of clients that call themselves so, in the order they came."""
        path = os.path.join(self._folder, "requests")
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as file:
            found = [Request(**json.loads(line)) for line in file]
        return [one for one in found if one.headers.get("user-agent", "").startswith(user_agent)]

    def _post(self, path, client, **fields):
        credentials = base64.b64encode(f"{client}:{CLIENT_SECRET}".encode()).decode()
        request = urllib.request.Request(
            self.url + path,
            urllib.parse.urlencode(fields).encode(),
            {"Authorization": f"Basic {credentials}"},
        )
        try:
            with self._opener.open(request, timeout=10) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{path}: {error.read().decode()}") from error

    def jwks(self):
        """The provider's key set, byte for byte."""
        with self._opener.open(self.url + "/jwks", timeout=10) as response:
            return response.read()

    def device(self, client, resource):
        """Begins a device flow; the answer is that of RFC 8628 section 3.2."""
        return self._post("/device/auth", client, scope=SCOPE, resource=resource)

    def device_token(self, client, begun):
        """The access token of a device flow that someone approved."""
        answer = self._post(
            "/token", client, grant_type=DEVICE_GRANT, device_code=begun["device_code"]
        )
        return answer["access_token"]

    def token(self, login, client, resource):
        """An access token for resource of the person who logs in as login."""
        begun = self.device(client, resource)
        self.person(login).approve(begun["verification_uri_complete"])
        return self.device_token(client, begun)

    def person(self, login):
        """Someone whose browser knows this provider."""
        return Person(login, self._authority)

    def client_token(self, client, resource):
        """An access token that the client gets for itself, no user behind it."""
        answer = self._post(
            "/token", client, grant_type="client_credentials", scope=SCOPE, resource=resource
        )
        return answer["access_token"]
