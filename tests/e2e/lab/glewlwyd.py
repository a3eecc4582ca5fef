# SPDX-License-Identifier: BSD-2-Clause
"""Debian's glewlwyd as an identity provider: set up by its own API, with an ES256 key."""
import gzip
import http.cookiejar
import json
import os
import sqlite3
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

from lab import host

_SCHEMA = "/usr/share/doc/glewlwyd/database/init.sqlite3.sql.gz"
_CLIENT, _SECRET = "laptop", "secret-of-a-test-client"
_PASSWORD = "password of a test user"
_TOKEN_SECONDS = 300

# Where its parts are, and nothing of the machine's /etc/glewlwyd.
_CONFIGURATION = """\
port={port}
bind_address="127.0.0.1"
external_url="{url}"
login_url="login.html"
api_prefix="api"
log_mode="file"
log_level="WARNING"
log_file="{folder}/log"
cookie_domain="127.0.0.1"
session_key="LAB"
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="/usr/lib/glewlwyd/user"
client_module_path="/usr/lib/glewlwyd/client"
user_auth_scheme_module_path="/usr/lib/glewlwyd/scheme"
plugin_module_path="/usr/lib/glewlwyd/plugin"
hash_algorithm="SHA512"
database={{type="sqlite3"; path="{folder}/database"}};
"""


def _openssl(*arguments, key=None):
    command = ["openssl", *arguments]
    return subprocess.run(command, input=key, check=True, capture_output=True).stdout


def _make_key():
    """A private and a public key in PEM, with no coordinate that begins with a zero byte.

    glewlwyd leaves such a byte out of its key set (one key in 128 has one), against RFC 7518
    section 6.2.1.2, and a key of that form is refused.
    """
    while True:
        key = _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        point = _openssl("pkey", "-pubout", "-outform", "DER", key=key)[-64:]
        if point[0] and point[32]:
            return key.decode(), _openssl("pkey", "-pubout", key=key).decode()


class Glewlwyd:
    """A running glewlwyd whose tokens have a person's scopes as scope and audience."""

    def __init__(self, scope, login):
        self._folder = os.path.join(host.FOLDER, "glewlwyd")
        os.mkdir(self._folder)
        port = host.free_port()
        root = f"http://127.0.0.1:{port}"
        self._api = root + "/api"
        self.url = self._api + "/lab"
        self._scope, self._login = scope, login
        self._browser = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
        )
        self._make_database()
        configuration = os.path.join(self._folder, "glewlwyd.conf")
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(_CONFIGURATION.format(port=port, url=root, folder=self._folder))
        self._process = host.start(
            ["glewlwyd", f"--config-file={configuration}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        try:
            self._log_in_as_administrator()
            self._set_up()
        except BaseException:
            self.stop()
            raise

    def _make_database(self):
        with gzip.open(_SCHEMA, "rt", encoding="utf-8") as file:
            schema = file.read()
        database = sqlite3.connect(os.path.join(self._folder, "database"))
        database.executescript(schema)
        database.close()

    def stop(self):
        if self._process.poll() is None:
            host.stop(self._process)

    def _send(self, path, body):
        request = urllib.request.Request(
            self._api + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        try:
            self._browser.open(request, timeout=10).close()
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"glewlwyd: {path}: {error.code} {error.read().decode()}") from error

    def _log_in_as_administrator(self):
        deadline = time.monotonic() + 10
        while True:
            try:
                return self._send("/auth/", {"username": "admin", "password": "password"})
            except urllib.error.URLError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    with open(os.path.join(self._folder, "log"), encoding="utf-8") as log:
                        raise RuntimeError("glewlwyd did not start: " + log.read()) from error
                time.sleep(0.05)

    def _set_up(self):
        key, public = _make_key()
        self._send("/mod/plugin/", {
            "module": "oidc", "name": "lab", "display_name": "lab", "enabled": True,
            "parameters": {
                "iss": self.url, "jwt-type": "ecdsa", "jwt-key-size": "256",
                "key": key, "cert": public, "jwks-show": True,
                "access-token-duration": _TOKEN_SECONDS, "refresh-token-duration": 600,
                "code-duration": 60, "refresh-token-rolling": True, "allow-non-oidc": True,
                "auth-type-password-enabled": True, "auth-type-code-enabled": True,
                "auth-type-client-enabled": False, "auth-type-implicit-enabled": False,
                "auth-type-refresh-enabled": True, "subject-type": "public",
                "additional-parameters": [
                    {"user-parameter": "username", "token-parameter": "preferred_username"},
                ],
            },
        })
        self._send("/scope/", {
            "name": self._scope, "display_name": self._scope, "password_required": True,
            "password_max_age": 0, "scheme": {},
        })
        self._send("/user/", {
            "username": self._login, "password": _PASSWORD, "enabled": True,
            "scope": [self._scope],
        })
        self._send("/client/", {
            "client_id": _CLIENT, "name": "laptop", "enabled": True, "confidential": True,
            "client_secret": _SECRET, "password": _SECRET, "redirect_uri": ["http://127.0.0.1/"],
            "authorization_type": ["password"], "token_endpoint_auth_method":
            ["client_secret_post"], "scope": [self._scope],
        })

    def token(self):
        """An access token of the person, for a password."""
        fields = {
            "grant_type": "password", "username": self._login, "password": _PASSWORD,
            "scope": self._scope, "client_id": _CLIENT, "client_secret": _SECRET,
        }
        request = urllib.request.Request(
            self.url + "/token", urllib.parse.urlencode(fields).encode()
        )
        try:
            with self._browser.open(request, timeout=10) as response:
                return json.load(response)["access_token"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"glewlwyd: token: {error.read().decode()}") from error
