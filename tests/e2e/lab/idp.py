# SPDX-License-Identifier: BSD-2-Clause
"""The identity provider (idp.mjs) and a person who gets tokens from it in the device flow."""
import base64
import html.parser
import http.cookiejar
import json
import os
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request

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


class Person:
    """Someone with a browser who logs in at the provider and agrees to everything."""

    def __init__(self, login):
        jar = http.cookiejar.CookieJar()
        self._login = login
        self._browser = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(jar)
        )

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
    """A running provider. clients and accounts are as idp.mjs says."""

    def __init__(self, clients, accounts, issuer=ISSUER):
        found = modules()
        folder = os.path.join(host.FOLDER, "idp")
        os.mkdir(folder)
        os.symlink(os.path.join(found, "node_modules"), os.path.join(folder, "node_modules"))
        shutil.copy(os.path.join(_SOURCES, "idp.mjs"), folder)
        settings = os.path.join(folder, "settings.json")
        with open(settings, "w", encoding="utf-8") as file:
            json.dump({"issuer": issuer, "clients": clients, "accounts": accounts}, file)
        self.log = os.path.join(folder, "log")
        with open(self.log, "wb") as log:
            self._process = host.start(
                ["node", os.path.join(folder, "idp.mjs"), settings],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            )
        ready = self._process.stdout.readline()
        if not ready:
            with open(self.log, encoding="utf-8") as log:
                raise RuntimeError("the identity provider did not start: " + log.read())
        self.url = f"http://127.0.0.1:{json.loads(ready)['port']}"
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def stop(self):
        host.stop(self._process)
        self._process.stdin.close()
        self._process.stdout.close()

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
        Person(login).approve(begun["verification_uri_complete"])
        return self.device_token(client, begun)

    def client_token(self, client, resource):
        """An access token that the client gets for itself, no user behind it."""
        answer = self._post(
            "/token", client, grant_type="client_credentials", scope=SCOPE, resource=resource
        )
        return answer["access_token"]
