# SPDX-License-Identifier: BSD-2-Clause
"""What most tests of keys from the network begin and end with."""

import re


def fetched(results, site, name, step="get=+0", kids="k1", **options):
    """A step that must give these keys."""
    line, log = site.one(step, **options)
    results.result(re.match(rf"(get|renew) ok \d+ {kids} ", line), name, line, log)
    return line, log


def refused(results, site, name, reason, step="get=+0", code="keys-unavailable", **options):
    """A step that must give no keys, and say why in the log."""
    line, log = site.one(step, **options)
    results.result(line.split()[1:2] == [code] and re.search(reason, log), name, line, log)
    return line, log
