# SPDX-License-Identifier: BSD-2-Clause
"""Packages that this machine does not have: unpacked by ../unpack, and seen in the laboratory alone.

No script of theirs ever ran. What the tests need of their work is done here, on the private host.
"""
import os
import subprocess

_TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

# In the folder of the packages. Numbers of users and groups are the next free ones.
_SET_UP = """\
unpacked()
{
    grep -q "^$1=" .unpacked
}

add_group()
{
    getent group "$1" >/dev/null || groupadd --system "$1"
}

add_user()
{
    getent passwd "$1" >/dev/null ||
        useradd --system --no-create-home --gid "$2" --home-dir "$3" --shell /usr/sbin/nologin "$1"
}

ldconfig
add_group sasl
add_group ssl-cert
add_group postfix
add_group postdrop
add_group openldap
add_user sshd nogroup /run/sshd
add_user postfix postfix /var/spool/postfix
add_user openldap openldap /var/lib/ldap
add_user cyrus mail /var/spool/cyrus
usermod --append --groups sasl cyrus

if unpacked postfix; then
    chown root:postdrop /usr/sbin/postdrop /usr/sbin/postqueue
    chmod 2555 /usr/sbin/postdrop /usr/sbin/postqueue
    chown postfix:postfix /var/lib/postfix
    touch /etc/postfix/dynamicmaps.cf
fi
if unpacked cyrus-common; then
    chown cyrus:mail /var/lib/cyrus /var/spool/cyrus /var/spool/sieve
    chmod 750 /var/lib/cyrus
    cyrus makedirs >/dev/null
fi
if unpacked sasl2-bin; then
    echo nobody | saslpasswd2 -p -c -u nowhere nobody
    saslpasswd2 -d -u nowhere nobody
    chown root:sasl /etc/sasldb2
    chmod 660 /etc/sasldb2
fi
"""


def folder():
    """Where they are, if there are any: below $JWTAUTH_E2E_MODULES, else where ./dev makes it."""
    above = os.environ.get("JWTAUTH_E2E_MODULES") or os.path.join(_TOP, "build", "e2e")
    found = os.path.join(os.path.abspath(above), "root")
    unpacked = os.path.join(found, ".unpacked")
    return found if os.path.exists(unpacked) and os.path.getsize(unpacked) > 0 else None


def set_up():
    """Does on the private host what their scripts do when they are installed."""
    done = subprocess.run(["sh", "-ec", _SET_UP], cwd=folder(), text=True, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise RuntimeError(f"unpacked packages cannot be set up:\n{done.stdout}")
