# SPDX-License-Identifier: BSD-2-Clause
"""Packages that this machine does not have: unpacked by ../unpack, and seen in the laboratory alone.

No script of theirs ever ran. What the tests need of their work is done here, on the private host.
"""
import os
import subprocess

_TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

# Each line of it does nothing where the package is installed. Numbers are the next free ones.
_SET_UP = """\
add_group()
{
    getent group "$1" >/dev/null || groupadd --system "$1"
}

add_user()
{
    getent passwd "$1" >/dev/null ||
        useradd --system --no-create-home --gid "$2" --home-dir "$3" --shell /usr/sbin/nologin "$1"
}

# own OWNER MODE PATH...: of those that there are.
own()
{
    owner=$1 mode=$2
    shift 2
    for path; do
        [ ! -e "$path" ] || { chown "$owner" "$path" && chmod "$mode" "$path"; }
    done
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

own root:postdrop 2555 /usr/sbin/postdrop /usr/sbin/postqueue
own postfix:postfix 755 /var/lib/postfix
own cyrus:mail 750 /var/lib/cyrus
own cyrus:mail 755 /var/spool/cyrus /var/spool/sieve
[ ! -d /etc/postfix ] || touch /etc/postfix/dynamicmaps.cf
[ ! -e /usr/sbin/cyrus ] || cyrus makedirs >/dev/null
if [ -e /usr/sbin/saslpasswd2 ] && [ ! -e /etc/sasldb2 ]; then
    echo nobody | saslpasswd2 -p -c -u nowhere nobody
    saslpasswd2 -d -u nowhere nobody
fi
own root:sasl 660 /etc/sasldb2
"""


def folder():
    """Where they are, if there are any: below $JWTAUTH_E2E_MODULES, else where ./dev makes it."""
    above = os.environ.get("JWTAUTH_E2E_MODULES") or os.path.join(_TOP, "build", "e2e")
    found = os.path.join(os.path.abspath(above), "root")
    unpacked = os.path.join(found, ".unpacked")
    return found if os.path.exists(unpacked) and os.path.getsize(unpacked) > 0 else None


def set_up():
    """Does on the private host what their scripts do when they are installed."""
    done = subprocess.run(["sh", "-ec", _SET_UP], text=True, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise RuntimeError(f"unpacked packages cannot be set up:\n{done.stdout}")
