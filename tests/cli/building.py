# SPDX-License-Identifier: BSD-2-Clause
"""What configure says: what it will build and where that goes, and which package is missing."""

import os
import pathlib
import re
import subprocess
import tempfile

import tap

BUILD = pathlib.Path(os.environ.get("JWTAUTH_BUILD", tap.TOP / "build" / "gcc"))
CONFIGURE = tap.TOP / "configure"
PLACES = {"cache folder": r"/\S+", "PAM module": r"/\S+/pam_jwt\.so",
          "SASL plug-in": r"/\S+/libjwtauth_sasl\.so", "command": r"/\S+/jwtauth",
          "fetch helper": r"/\S+/jwtauth-fetch", "fetch user": r"\S+"}


def try_summary(results, site):
    log = BUILD / "config.log"
    if not log.exists():
        results.skip("configure's summary", "the program was not built here")
        return
    text = log.read_text()
    for name, place in PLACES.items():
        results.result(re.search(rf"^ +{name} +({place}|not built)$", text, re.MULTILINE),
                       f"configure's summary has the {name}", text[-3000:])


def try_missing(results, site):
    if not CONFIGURE.exists():
        results.skip("configure without a library", "there is no configure")
        return
    for name, changes, says in [
        ("library", {"PKG_CONFIG_LIBDIR": "/nonexistent"},
         "libcrypto >= 3.0 not found: install the package that Debian calls libssl-dev"),
        ("header", {"ac_cv_header_security_pam_modules_h": "no"},
         "headers of PAM not found: install the package that Debian calls libpam0g-dev, or do "
         "without: --disable-pam"),
    ]:
        with tempfile.TemporaryDirectory(prefix="jwtauth-configure-") as folder:
            done = subprocess.run([CONFIGURE.resolve()], cwd=folder, env=os.environ | changes,
                                  capture_output=True, text=True, check=False)
        results.result(done.returncode != 0 and f"error: {says}\n" in done.stderr,
                       f"configure without a {name}", done.returncode, done.stderr)


PARTS = (try_summary, try_missing)
