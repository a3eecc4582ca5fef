/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages that are of OAUTHBEARER (RFC 7628), whatever becomes of the token in them. */
#include "tests/sasl/exchange.h"

#define GOOD "auth=Bearer @good@\001\001"
#define AUTH(value) "n,,\001auth=" value "\001\001"

static const struct exchange_case cases[] = {
    ACCEPTED("no more than needed", "n,,\001" GOOD, "alice"),
    ACCEPTED("the flag y", "y,,\001" GOOD, "alice"),
    ACCEPTED("his own name", "n,a=alice,\001" GOOD, "alice"),
    ACCEPTED("another's name", "n,a=bob,\001" GOOD, "bob"),
    ACCEPTED("another's name with the flag y", "y,a=bob,\001" GOOD, "bob"),
    ACCEPTED("a name with a comma", "n,a=b=2Cob,\001" GOOD, "b,ob"),
    ACCEPTED("a name with an equals sign", "n,a=b=3Dob,\001" GOOD, "b=ob"),
    ACCEPTED("a name with both, twice", "n,a==2C=3Db=3D=2C,\001" GOOD, ",=b=,"),
    ACCEPTED("an escaped escape", "n,a=b=3D2C,\001" GOOD, "b=2C"),
    ACCEPTED("a name beyond ASCII", "n,a=j\303\274rgen,\001" GOOD, "j\303\274rgen"),
    ACCEPTED("host and port before", "n,a=alice,\001host=mail.lab\001port=143\001" GOOD, "alice"),
    ACCEPTED("host and port behind",
             "n,,\001auth=Bearer @good@\001port=143\001host=mail.lab\001\001", "alice"),
    ACCEPTED("host alone", "n,,\001host=mail.lab\001" GOOD, "alice"),
    ACCEPTED("port alone", "n,,\001port=143\001" GOOD, "alice"),
    ACCEPTED("the lowest port", "n,,\001port=1\001" GOOD, "alice"),
    ACCEPTED("the highest port", "n,,\001port=65535\001" GOOD, "alice"),
    ACCEPTED("an address as host", "n,,\001host=[2001:db8::1]\001" GOOD, "alice"),
    ACCEPTED("keys of OAUTH10A", "n,,\001mthd=POST\001path=/\001post=\001qs=a=b\001" GOOD, "alice"),
    ACCEPTED("the scheme in small letters", "n,,\001auth=bearer @good@\001\001", "alice"),
    ACCEPTED("the scheme in capitals", "n,,\001auth=BEARER @good@\001\001", "alice"),
    ACCEPTED("the scheme in both", "n,,\001auth=bEaReR @good@\001\001", "alice"),
    ACCEPTED("an unknown key before", "n,,\001x=y\001" GOOD, "alice"),
    ACCEPTED("an unknown key behind", "n,,\001auth=Bearer @good@\001x=y\001\001", "alice"),
    ACCEPTED("an unknown key without value", "n,,\001x=\001" GOOD, "alice"),
    ACCEPTED("an unknown key twice", "n,,\001x=y\001x=z\001" GOOD, "alice"),
    ACCEPTED("a key in capitals is another", "n,,\001AUTH=Bearer x\001" GOOD, "alice"),
    ACCEPTED("a key of XOAUTH2 is unknown", "n,,\001user=bob\001" GOOD, "alice"),
    ACCEPTED("equals signs in a value", "n,,\001x==y=z=\001" GOOD, "alice"),
    ACCEPTED("white space in a value", "n,,\001x= \t\r\n y\001" GOOD, "alice"),
    {"a long value", BYTES("n,,\001x=@pad@\001" GOOD), 4000, SASL_OK, "alice", NULL, NONE, 0},

    /* who may not */
    REFUSED("cyrus as authzid", "n,a=cyrus,\001" GOOD, "insufficient_scope", SASL_NOAUTHZ),
    REFUSED("a control character in a name", "n,a=bo\002b,\001" GOOD, "insufficient_scope",
            SASL_NOAUTHZ),
    REFUSED("a separator in a name", "n,a=bo\001b,\001" GOOD, "insufficient_scope", SASL_NOAUTHZ),
    REFUSED("a name that is no UTF-8", "n,a=bo\300\200b,\001" GOOD, "insufficient_scope",
            SASL_NOAUTHZ),

    /* what is no bearer token (RFC 6750 section 2.1) */
    REFUSED("the scheme alone", AUTH("Bearer"), "invalid_request", SASL_BADAUTH),
    REFUSED("the scheme and a space", AUTH("Bearer "), "invalid_request", SASL_BADAUTH),
    REFUSED("two spaces", AUTH("Bearer  @good@"), "invalid_request", SASL_BADAUTH),
    REFUSED("a tab for the space", AUTH("Bearer\t@good@"), "invalid_request", SASL_BADAUTH),
    REFUSED("no space", AUTH("Bearer@good@"), "invalid_request", SASL_BADAUTH),
    REFUSED("another scheme", AUTH("Basic YWxpY2U6eA=="), "invalid_request", SASL_BADAUTH),
    REFUSED("a longer scheme", AUTH("Bearers @good@"), "invalid_request", SASL_BADAUTH),
    REFUSED("no scheme", AUTH("@good@"), "invalid_request", SASL_BADAUTH),
    REFUSED("a space before", AUTH(" Bearer @good@"), "invalid_request", SASL_BADAUTH),
    REFUSED("a space behind", AUTH("Bearer @good@ "), "invalid_request", SASL_BADAUTH),
    REFUSED("a line end behind", AUTH("Bearer @good@\r\n"), "invalid_request", SASL_BADAUTH),
    REFUSED("two tokens", AUTH("Bearer @good@,@good@"), "invalid_request", SASL_BADAUTH),
    REFUSED("an equals sign inside", AUTH("Bearer a=b"), "invalid_request", SASL_BADAUTH),
    REFUSED("equals signs alone", AUTH("Bearer =="), "invalid_request", SASL_BADAUTH),

    /* what is none that is accepted */
    REFUSED("nothing: where is a token to be had?", AUTH(""), "invalid_token", SASL_BADAUTH),
    REFUSED("nothing, with a name", "n,a=alice,\001auth=\001\001", "invalid_token", SASL_BADAUTH),
    REFUSED("nothing, with host and port", "n,,\001auth=\001host=h\001port=1\001\001",
            "invalid_token", SASL_BADAUTH),
    REFUSED("one letter", AUTH("Bearer x"), "invalid_token", SASL_BADAUTH),
    REFUSED("three empty parts", AUTH("Bearer .."), "invalid_token", SASL_BADAUTH),
    REFUSED("the other characters of a token", AUTH("Bearer a-._~+/b"), "invalid_token",
            SASL_BADAUTH),
    REFUSED("a padded token", AUTH("Bearer @good@=="), "invalid_token", SASL_BADAUTH),
    REFUSED("a token in five parts", AUTH("Bearer a.b.c.d.e"), "invalid_token", SASL_BADAUTH),
    REFUSED("a tampered token", AUTH("Bearer @tampered@"), "invalid_token", SASL_BADAUTH),
    REFUSED("a tampered token and another's name", "n,a=bob,\001auth=Bearer @tampered@\001\001",
            "invalid_token", SASL_BADAUTH),
    REFUSED("an expired token", AUTH("Bearer @expired@"), "invalid_token", SASL_BADAUTH),
    REFUSED_OF("as long as a token may be", AUTH("Bearer @pad@"), 16384, "invalid_token",
               SASL_BADAUTH),
    REFUSED_OF("longer than a token may be", AUTH("Bearer @pad@"), 16385, "invalid_token",
               SASL_BADAUTH),
    REFUSED_OF("as long as a message may be", AUTH("Bearer @pad@"), 20480 - 18, "invalid_token",
               SASL_BADAUTH),

    /* what follows an error message (RFC 7628 section 3.2.3) */
    AFTER_ERROR("nothing after an error", AUTH(""), "invalid_token", "", SASL_BADPROT),
    AFTER_ERROR("two separators after an error", AUTH(""), "invalid_token", "\001\001",
                SASL_BADPROT),
    AFTER_ERROR("another byte after an error", AUTH(""), "invalid_token", "\002", SASL_BADPROT),
    AFTER_ERROR("a NUL after an error", AUTH(""), "invalid_token", "\000", SASL_BADPROT),
    AFTER_ERROR("a separator and more after an error", AUTH("Bearer x"), "invalid_token",
                "\001\r\n", SASL_BADPROT),
    AFTER_ERROR("an asterisk after an error", AUTH("Bearer x"), "invalid_token", "*", SASL_BADPROT),
    AFTER_ERROR("a good token after an error", AUTH("Bearer @tampered@"), "invalid_token",
                "n,,\001" GOOD, SASL_BADPROT),
    AFTER_ERROR("a good token after a question", AUTH(""), "invalid_token", "n,,\001" GOOD,
                SASL_BADPROT),

    /* what follows a success */
    AFTER_SUCCESS("nothing after a success", "n,,\001" GOOD, ""),
    AFTER_SUCCESS("a separator after a success", "n,,\001" GOOD, "\001"),
    AFTER_SUCCESS("the message again after a success", "n,,\001" GOOD, "n,,\001" GOOD),
    AFTER_SUCCESS("another's name after a success", "n,,\001" GOOD, "n,a=bob,\001" GOOD),
};

const struct exchange_table exchange_oauthbearer = {"OAUTHBEARER", cases, COUNT_OF(cases)};
