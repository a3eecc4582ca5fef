# SPDX-License-Identifier: BSD-2-Clause
"""What the command says to whom it finds lost, and what must never be in its answers."""

import base64
import hashlib
import json
import os
import pathlib
import shutil
import subprocess

import tap
from runs import SECRET, encode, output, token

# RFC 7517 appendix A.2: a key pair that everybody knows.
PAIR = {"kty": "EC", "crv": "P-256", "kid": "pair",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        "d": "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}
PUBLIC = {name: value for name, value in PAIR.items() if name != "d"}


def thumbprint(**members):
    """RFC 7638 section 3."""
    text = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return encode(hashlib.sha256(text.encode()).digest())


def try_help(results, site):
    for option in ("-h", "--help"):
        output(results, f"help by {option}", [option], 0, has=["usage: jwtauth COMMAND", "explain"])
        for command in ("verify", "explain", "config", "keys"):
            output(results, f"help of {command} by {option}", [command, option], 0,
                   has=[f"usage: jwtauth {command}"])


def try_observe(results, site):
    """A service that only observes is shown as such, to people; scripts read of a denial."""
    config = site.configured("observing.yaml")
    output(results, "verify, observed", ["verify", *config], 1, token(),
           has=["observed: observed: would be allowed"], lacks=["denied"])
    output(results, "explain, observed", ["explain", *config], 1, token(),
           has=["observed: observed: the service only observes", "lets nobody in, though the rules"],
           lacks=["denied"])
    output(results, "explain, denied where it observes", ["explain", *config], 1, token(roles=["x"]),
           has=["denied: not-allowed: ", "but the service only observes"])
    output(results, "explain, denied where it does not", ["explain", *site.configured()], 1,
           token(roles=["x"]), has=["denied: not-allowed: "], lacks=["only observes"])


def try_roles(results, site):
    output(results, "explain, no role", ["explain", *site.configured()], 1, token(roles=[]),
           has=[f"the token has no role at /roles ({site.path('good.yaml')}:8), and allow_roles "
                f"wants one ({site.path('good.yaml')}:12)"], lacks=["0 roles"])
    output(results, "explain, another role", ["explain", *site.configured()], 1, token(roles=["x"]),
           has=["none of the token's 1 role (\"x\") is admitted by allow_roles"])


# What people put where a JWK set is wanted, and what they are told.
WRONG_KEYS = {
    "a public key in PEM": ("-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n",
                            "it looks like PEM; write the public key as a JWK"),
    "a certificate behind blank lines": ("\n\n-----BEGIN CERTIFICATE-----\n", "it looks like PEM"),
    "a web page": ("<!DOCTYPE html>\n<html></html>", "it looks like a web page (HTML)"),
    "a key of OpenSSH": ("ssh-ed25519 AAAAC3Nza", "it looks like a key of OpenSSH"),
    "a token": (token(), "it looks like a token"),
    "nothing": ("", "it is empty"),
    "a line end": ("\n", "it is empty"),
    "metadata": (json.dumps({"issuer": "https://idp.example", "jwks_uri": "https://idp.example/k"}),
                 "it is an issuer's metadata; get the keys from its jwks_uri"),
    "an error": ('{"error": "not_found"}', "it is an error message of a server"),
    "other JSON": ('{"a": 1}', "neither a JWK set nor a JWK"),
    "other text": ("keys: none", "JSON: invalid token"),
}


def try_wrong_keys(results, site):
    for name, (text, says) in WRONG_KEYS.items():
        site.write("wrong.json", text)
        site.configure("wrong-keys.yaml", keys="wrong.json")
        output(results, f"config check, {name} for keys",
               ["config", "check", "--config", site.path("wrong-keys.yaml")], 2,
               has=[f"{site.path('wrong-keys.yaml')}:4: error: ", says], lacks=["eyJ"])
        done = tap.run(["keys", "list", "--jwks", site.path("wrong.json")])
        results.result(done.returncode == 3 and says.encode() in done.stderr,
                       f"keys list, {name}", done.returncode, done.stderr)


def try_fitting_keys(results, site):
    site.write("pair.json", json.dumps({"keys": [PUBLIC]}), 0o644)
    good = site.configure("fitting.yaml", keys="pair.json")
    for algorithms, fits in (("[ES256]", True), ("[RS256, ES256]", True), ("[RS256]", False),
                             ("[ES384, EdDSA]", False), ("[HS256]", False)):
        good.write_text(good.read_text().replace("algorithms: [HS256]", f"algorithms: {algorithms}"))
        arguments = ["config", "check", "--config", good]
        says = f"{good}:6: error: issuer corp: no key for its algorithms in {site.path('pair.json')}"
        if fits:
            output(results, f"config check, a P-256 key for {algorithms}", arguments, 0,
                   lacks=["no key"])
        else:
            output(results, f"config check, a P-256 key for {algorithms}", arguments, 2, has=[says])
        site.configure("fitting.yaml", keys="pair.json")


def check_of(site, name, text):
    folder = site.path(name)
    folder.mkdir()
    path = folder / "jwtauth.yaml"
    path.write_text(text)
    path.chmod(0o600)
    return path


def try_config_words(results, site):
    text = site.path("good.yaml").read_text()
    path = check_of(site, "misspelt", text.replace("allow_roles", "allow_rolls"))
    output(results, "config check, a misspelt allow_roles",
           ["config", "check", "--config", path], 2,
           has=[f"{path}:12: error: unknown keyword \"allow_rolls\"; did you mean \"allow_roles\"?",
                "1 error, 0 warnings"], lacks=["every user"])
    path = check_of(site, "open", text.replace(", allow_roles: [ops]", ""))
    output(results, "config check, no allow_roles", ["config", "check", "--config", path], 0,
           has=["warning: ", "every user with a valid token may log in", "1 warning"])
    path = check_of(site, "suffix", text)
    snippets = path.parent / "conf.d"
    snippets.mkdir()
    snippets.chmod(0o700)
    for name in ("a.yml", "b.yaml~", ".yml", "c.txt"):
        (snippets / name).write_text("surprise: 1\n")
    output(results, "config check, a .yml in conf.d", ["config", "check", "--config", path], 0,
           has=[f"{snippets}/a.yml: warning: is not read: the name of a file in conf.d must end in "
                ".yaml\n", "0 errors, 1 warning\n"])


def try_service_users(results, site):
    text = site.path("good.yaml").read_text()
    path = check_of(site, "users", text + "service_users: [daemon, root, no-such-user, daemon]\n")
    place = f"{path}:13: warning: \"service_users\": "
    output(results, "config check, service_users", ["config", "check", "--config", path], 0,
           has=[f'{place}"root" is root', f'{place}"no-such-user" is no user of this host\n',
                f'{place}"daemon" is named a second time\n', "0 errors, 3 warnings\n"])
    path = check_of(site, "user", text + "service_users: daemon\n")
    output(results, "config check, one of service_users", ["config", "check", "--config", path], 0,
           has=["0 errors, 0 warnings\n"])


def try_pam_names(results, site):
    """`ssh` for `sshd`: a file of nearly that name is there. Any service of this host will do."""
    text = site.path("good.yaml").read_text()
    names = sorted(name.name for name in pathlib.Path("/etc/pam.d").glob("*"))
    long = [name for name in names if len(name) > 4 and name.isalpha() and name[:-1] not in names]
    if not long:
        results.skip("config check, a service without a file of PAM", "this host has none")
        return
    path = check_of(site, "near", text.replace("sshd:", f"{long[0][:-1]}:"))
    output(results, "config check, a service that PAM has by nearly this name",
           ["config", "check", "--config", path], 0,
           has=[f"{path}:12: hint: service \"{long[0][:-1]}\" has no file in /etc/pam.d; did you "
                "mean \"", "0 errors, 0 warnings\n"])
    path = check_of(site, "same", text.replace("sshd:", f"{long[0]}:"))
    output(results, "config check, a service that PAM has", ["config", "check", "--config", path], 0,
           lacks=["hint"])
    path = check_of(site, "far", text.replace("sshd:", "xqzwvkj:"))
    output(results, "config check, a service of SASL", ["config", "check", "--config", path], 0,
           lacks=["hint"])
    # Of which cyrus-imapd's package brings files of nearly these names.
    for name in ("smtp", "ldap", "lmtp"):
        path = check_of(site, name, text.replace("sshd:", f"{name}:"))
        output(results, f"config check, {name}", ["config", "check", "--config", path], 0,
               lacks=["hint"])


def try_secrets(results, site):
    """A thumbprint of a symmetric key would let others try secrets (RFC 7638 section 7)."""
    secret = encode(SECRET)
    keys = {"kty": "oct", "kid": "k1", "k": secret}
    weak = {"kty": "oct", "kid": "weak", "k": encode(b"short")}
    site.write("secrets.json", json.dumps({"keys": [keys, weak]}))
    site.configure("secrets.yaml", keys="secrets.json")
    hidden = [thumbprint(k=key["k"], kty="oct") for key in (keys, weak)]
    hidden += [base64.urlsafe_b64decode(print_ + "=").hex() for print_ in hidden]
    for name, arguments in (("--jwks", ["--jwks", site.path("secrets.json")]),
                            ("--config", ["--config", site.path("secrets.yaml")])):
        output(results, f"keys list {name}, symmetric keys", ["keys", "list", *arguments], 0,
               has=["kid \"k1\"  type \"oct\"  crv -  alg -  thumbprint -  usable\n",
                    "kid \"weak\"  type \"oct\"  crv -  alg -  thumbprint -  passed over"],
               lacks=[secret, weak["k"], *hidden])
    site.write("pair.json", json.dumps({"keys": [PAIR | {"kid": "both"}, PUBLIC]}), 0o644)
    shown = thumbprint(**{name: PAIR[name] for name in ("crv", "kty", "x", "y")})
    output(results, "keys list, a published private part",
           ["keys", "list", "--jwks", site.path("pair.json")], 0,
           has=[f"thumbprint {shown}  usable, but its private part (d) is public here: replace it\n",
                f"kid \"pair\"  type \"EC\"  crv \"P-256\"  alg -  thumbprint {shown}  usable\n"],
           lacks=[PAIR["d"]])


OPENSSL = """openssl_conf = all
[all]
alg_section = properties
[properties]
default_properties = provider=nobody
"""


def try_openssl(results, site):
    """Whoever calls the command chooses nothing of what verifies."""
    path = site.write("openssl.cnf", OPENSSL)
    environment = os.environ | {"OPENSSL_CONF": str(path), "OPENSSL_MODULES": str(site.folder),
                                "OPENSSL_CONF_INCLUDE": str(site.folder)}
    program = shutil.which("openssl")
    if program:
        done = subprocess.run([program, "dgst", "-sha256", path], env=environment, check=False,
                              capture_output=True)
        results.result(done.returncode != 0, "this OPENSSL_CONF leaves others without algorithms",
                       done.stdout, done.stderr)
    done = tap.run(["verify", *site.configured()], token(), env=environment)
    results.result(done.returncode == 0 and done.stdout.startswith(b"accepted"),
                   "OPENSSL_CONF has no effect on a decision", done.stdout, done.stderr)
    done = tap.run(["verify", *site.configured()], token(secret=b"x" * 32), env=environment)
    results.result(done.returncode == 1 and b"denied: signature" in done.stdout,
                   "nor on a refusal", done.stdout, done.stderr)


PARTS = (try_help, try_observe, try_roles, try_wrong_keys, try_fitting_keys, try_config_words,
         try_service_users, try_pam_names, try_secrets, try_openssl)
