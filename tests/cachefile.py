# SPDX-License-Identifier: BSD-2-Clause
"""Cache files changed by a test: whole again, as if the cache had been written so."""

import re
import struct

_HEAD = re.compile(rb"(jwtauth-cache 2\nsum )[0-9a-f]{16}\n")


def _sum(text):
    """FNV-1a's steps on little-endian words of 64 bits."""
    value = 0xcbf29ce484222325
    padded = text + bytes(8 - len(text) % 8)
    for (word,) in struct.iter_unpack("<Q", padded):
        value = (value ^ word) * 0x100000001b3 % (1 << 64)
    return value ^ len(text)


def whole(text):
    """The bytes of a cache file with the sum that they need."""
    head = _HEAD.match(text)
    assert head, text[:100]
    rest = text[head.end():]
    return b"%s%016x\n%s" % (head[1], _sum(rest), rest)
