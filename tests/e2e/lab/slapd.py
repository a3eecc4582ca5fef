# SPDX-License-Identifier: BSD-2-Clause
"""Debian's slapd on loopback ports, set up as its package does, and the clients of ldap-utils."""
import functools
import os
import pwd
import subprocess
import tempfile
import urllib.parse

from lab import host
from lab.ca import Authority
from lab.site import source, write

NAME = "ldap.example.com"
SUFFIX = "dc=example,dc=com"
CONFIGURATION = "/etc/ldap/jwtauth.yaml"
SASL_OPTIONS = "/etc/ldap/sasl2/slapd.conf"
USER = "openldap"

# Result codes of RFC 4511 section 4.1.9, which are the exit status of the clients, too.
SUCCESS, INVALID_CREDENTIALS, INSUFFICIENT_ACCESS, UNAVAILABLE = 0, 49, 50, 52

_ENTRIES = f"""\
dn: {SUFFIX}
objectClass: dcObject
objectClass: organization
o: Example

dn: ou=people,{SUFFIX}
objectClass: organizationalUnit

dn: uid=alice,ou=people,{SUFFIX}
objectClass: inetOrgPerson
cn: Alice
sn: Example

dn: uid=bob,ou=people,{SUFFIX}
objectClass: inetOrgPerson
cn: Bob
sn: Example
authzTo: dn.exact:uid=alice,ou=people,{SUFFIX}
"""

_TLS = """\
dn: cn=config
changetype: modify
add: olcTLSCertificateFile
olcTLSCertificateFile: {certificate}
-
add: olcTLSCertificateKeyFile
olcTLSCertificateKeyFile: {key}
-
replace: olcLogLevel
olcLogLevel: {level}
"""


@functools.cache
def authority():
    """That of the certificate which all of them show."""
    host.name_address(NAME)
    return Authority(NAME)


class Slapd:
    """One that runs as USER, with two people and the names of the README.

    sasl is the text of SASL_OPTIONS, which slapd reads
    as it starts, so that each may have its own. level is slapd's log level."""

    def __init__(self, sasl, level="stats"):
        above = os.path.join(host.FOLDER, "slapd")
        os.makedirs(above, exist_ok=True)
        self._folder = tempfile.mkdtemp(dir=above)
        self.log = os.path.join(self._folder, "log")
        self._local = "ldapi://" + urllib.parse.quote(os.path.join(self._folder, "ldapi"), safe="")
        self._ports = host.free_port(), host.free_port()
        write(SASL_OPTIONS, sasl)
        self._make_directory()
        self._start()
        self.configure(_TLS.format(certificate=authority().certificate,
                                   key=authority().key_for(USER), level=level))
        self.configure(source("ldap-names.ldif"))

    def _make_directory(self):
        """Configuration and data, the former as the package's own script makes it."""
        data, settings = (os.path.join(self._folder, name) for name in ("data", "slapd.d"))
        with open("/usr/share/slapd/slapd.init.ldif", encoding="utf-8") as file:
            text = file.read()
        text = text.replace("@SUFFIX@", SUFFIX).replace("@PASSWORD@", "{SSHA}none")
        text = text.replace("/var/lib/ldap", data)
        for folder in (data, settings):
            os.mkdir(folder)
        for number, ldif in (("0", text), ("1", _ENTRIES)):
            subprocess.run(["/usr/sbin/slapadd", "-F", settings, "-n", number], input=ldif,
                           text=True, check=True)
        account = pwd.getpwnam(USER)
        for folder, _, files in os.walk(self._folder):
            for path in (folder, *(os.path.join(folder, file) for file in files)):
                os.chown(path, account.pw_uid, account.pw_gid)
        os.makedirs("/run/slapd", exist_ok=True)
        os.chown("/run/slapd", account.pw_uid, account.pw_gid)

    def _start(self):
        plain, secure = self._ports
        with open(self.log, "wb") as log:
            self._process = host.start_service(
                ["/usr/sbin/slapd", "-u", USER, "-g", USER, "-d", "0",
                 "-F", os.path.join(self._folder, "slapd.d"),
                 "-h", f"ldap://127.0.0.1:{plain}/ ldaps://127.0.0.1:{secure}/ {self._local}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )
        host.wait_until(lambda: self.client("ldapwhoami", "-x")[0] == SUCCESS,
                        "the start of slapd", self._process)

    def stop(self):
        host.stop_service(self._process)

    def text(self):
        """What slapd wrote to its standard error; its log is syslog's."""
        with open(self.log, encoding="utf-8", errors="backslashreplace") as file:
            return file.read()

    def url(self, secure=False):
        return f"ldap{'s' if secure else ''}://{NAME}:{self._ports[secure]}"

    def environment(self):
        """That of a client who trusts the authority."""
        kept = {name: text for name, text in os.environ.items() if not name.startswith("LDAP")}
        return {**kept, "LDAPTLS_CACERT": authority().root, "LDAPTLS_REQCERT": "demand"}

    def client(self, program, *arguments, url=None, text=""):
        """Runs a client of ldap-utils; gives its exit status and output."""
        done = subprocess.run(
            ["/usr/bin/" + program, "-H", url or self.url(), *arguments], input=text, text=True,
            timeout=30, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=self.environment(),
        )
        return done.returncode, done.stdout

    def bind(self, mechanism, token, *arguments, program="ldapwhoami", text="", secure=False):
        """The client, bound with a token, which it reads from a file; over TLS in either way."""
        with tempfile.NamedTemporaryFile("w", dir=self._folder) as file:
            file.write(token)
            file.flush()
            return self.client(
                program, "-Q", *([] if secure else ["-ZZ"]), "-Y", mechanism, "-y", file.name,
                *arguments, url=self.url(secure), text=text)

    def mechanisms(self, *arguments, secure=False):
        """Those that slapd offers."""
        status, output = self.client("ldapsearch", "-x", "-LLL", "-s", "base", "-b", "", *arguments,
                                     "supportedSASLMechanisms", url=self.url(secure))
        if status != SUCCESS:
            raise RuntimeError(output)
        return {line.split(": ")[1] for line in output.splitlines() if "Mechanisms: " in line}

    def configure(self, ldif):
        """Changes the configuration as root does on its own host."""
        status, output = self.client(
            "ldapmodify", "-Q", "-Y", "EXTERNAL", url=self._local, text=ldif)
        if status != SUCCESS:
            raise RuntimeError(output)
