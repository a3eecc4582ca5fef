# SPDX-License-Identifier: BSD-2-Clause
"""What can be done to a token without its key, and the search for what is left of one in a log."""
import base64
import json
import re

# So many characters of a token's payload or signature in a log would be no accident.
WINDOW = 12
_RUN = re.compile(r"[A-Za-z0-9_-]{%d,}" % WINDOW)


def decode(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def encode(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def header(token):
    return json.loads(decode(token.split(".")[0]))


def claims(token):
    return json.loads(decode(token.split(".")[1]))


def with_claims(token, **changes):
    """The token with other claims under its old signature."""
    head, payload, signature = token.split(".")
    payload = {**json.loads(decode(payload)), **changes}
    return ".".join([head, encode(json.dumps(payload, separators=(",", ":")).encode()), signature])


def with_kid(token, kid):
    """The token as if another key had signed it."""
    _, payload, signature = token.split(".")
    head = encode(json.dumps({**header(token), "kid": kid}, separators=(",", ":")).encode())
    return ".".join([head, payload, signature])


def with_broken_signature(token):
    """The token with one bit of its signature changed."""
    head, payload, signature = token.split(".")
    raw = bytearray(decode(signature))
    raw[len(raw) // 2] ^= 1
    return ".".join([head, payload, encode(bytes(raw))])


def unsigned(token):
    """The token's claims with alg none and no signature."""
    head = encode(json.dumps({**header(token), "alg": "none"}).encode())
    return ".".join([head, token.split(".")[1], ""])


def pieces(token):
    """Every piece of WINDOW characters of the token's payload and signature.

    Also of what these are in base64, as SASL messages are on their way, wherever they begin in one.
    """
    parts = token.split(".")[1:]
    parts += [base64.b64encode(part[start:].encode()).decode()[:-4]
              for part in parts for start in range(3)]
    return {part[start:start + WINDOW]
            for part in parts for start in range(len(part) - WINDOW + 1)}


def leaked(wanted, text):
    """One of the wanted pieces that stands in text, or None."""
    for run in _RUN.findall(text):
        for start in range(len(run) - WINDOW + 1):
            if run[start:start + WINDOW] in wanted:
                return run[start:start + WINDOW]
    return None
