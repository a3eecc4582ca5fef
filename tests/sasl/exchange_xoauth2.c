/* SPDX-License-Identifier: BSD-2-Clause */
/* The same for XOAUTH2, which has numbers for the status, and whose error may be answered by
 * nothing. */
#include "tests/sasl/exchange.h"

#define GOOD "auth=Bearer @good@\001\001"
#define USER "user=alice\001"
#define AUTH(value) USER "auth=" value "\001\001"

static const struct exchange_case cases[] = {
    ACCEPTED("no more than needed", USER GOOD, "alice"),
    ACCEPTED("another's name", "user=bob\001" GOOD, "bob"),
    ACCEPTED("the scheme in small letters", AUTH("bearer @good@"), "alice"),
    ACCEPTED("an unknown key", USER "x=y\001" GOOD, "alice"),
    ACCEPTED("a key of OAUTHBEARER is unknown", USER "port=x\001" GOOD, "alice"),

    REFUSED("cyrus", "user=cyrus\001" GOOD, "403", SASL_NOAUTHZ),
    REFUSED("a name with a comma", "user=b,ob\001" GOOD, "403", SASL_NOAUTHZ),
    REFUSED("a name that looks escaped", "user=b=2Cob\001" GOOD, "403", SASL_NOAUTHZ),
    REFUSED("a name beyond ASCII", "user=j\303\274rgen\001" GOOD, "403", SASL_NOAUTHZ),
    REFUSED("cyrus behind a blank", "user= cyrus\001" GOOD, "403", SASL_NOAUTHZ),
    REFUSED("cyrus before a blank", "user=cyrus \001" GOOD, "403", SASL_NOAUTHZ),
    REFUSED("blanks alone", "user=  \001" GOOD, "403", SASL_NOAUTHZ),
    REFUSED("cyrus of a domain", "user=cyrus%x.example\001" GOOD, "403", SASL_NOAUTHZ),
    REFUSED("a DN", "user=dn:uid=bob\001" GOOD, "403", SASL_NOAUTHZ),
    REFUSED("the scheme alone", AUTH("Bearer"), "400", SASL_BADAUTH),
    REFUSED("two spaces", AUTH("Bearer  @good@"), "400", SASL_BADAUTH),
    REFUSED("another scheme", AUTH("Basic YWxpY2U6eA=="), "400", SASL_BADAUTH),
    REFUSED("no scheme", AUTH("@good@"), "400", SASL_BADAUTH),
    REFUSED("nothing: where is a token to be had?", AUTH(""), "401", SASL_BADAUTH),
    REFUSED("one letter", AUTH("Bearer x"), "401", SASL_BADAUTH),
    REFUSED("a tampered token", AUTH("Bearer @tampered@"), "401", SASL_BADAUTH),
    REFUSED("an expired token", AUTH("Bearer @expired@"), "401", SASL_BADAUTH),
    REFUSED_OF("longer than a token may be", AUTH("Bearer @pad@"), 16385, "401", SASL_BADAUTH),
    REFUSED_OF("as long as a message may be", AUTH("Bearer @pad@"), 20480 - 25, "401",
               SASL_BADAUTH),

    FAULT("nothing", ""),
    FAULT("a separator alone", "\001"),
    FAULT("two separators", "\001\001"),
    FAULT("a message of OAUTHBEARER", "n,a=alice,\001" GOOD),
    FAULT("no user", GOOD),
    FAULT("an empty user", "user=\001" GOOD),
    FAULT("the user twice", USER USER GOOD),
    FAULT("the user in capitals", "USER=alice\001" GOOD),
    FAULT("a NUL in the user", "user=al\000ice\001" GOOD),
    FAULT("a control character in the user", "user=al\002ice\001" GOOD),
    FAULT("a line end in the user", "user=alice\n\001" GOOD),
    FAULT("a DEL in the user", "user=alice\177\001" GOOD),
    FAULT_OF("a name longer than any", "user=@pad@\001" GOOD, 256),
    FAULT("no auth", USER "\001"),
    FAULT("auth twice", USER "auth=Bearer @good@\001" GOOD),
    FAULT("auth twice, first empty", USER "auth=\001" GOOD),
    FAULT("a separator too few", USER "auth=Bearer @good@\001"),
    FAULT("two separators too few", USER "auth=Bearer @good@"),
    FAULT("a separator too many", USER GOOD "\001"),
    FAULT("a letter behind the end", USER GOOD "x"),
    FAULT("a NUL behind the end", USER GOOD "\000"),
    FAULT("a NUL behind the token", AUTH("Bearer @good@\000")),
    FAULT("a key without a sign", USER "x\001" GOOD),
    FAULT("an empty key", USER "=x\001" GOOD),
    FAULT("a value beyond ASCII", USER "x=\303\274\001" GOOD),
    FAULT_OF("longer than a message may be", AUTH("Bearer @pad@"), 20480 - 24),

    AFTER_ERROR("nothing after an error", AUTH(""), "401", "", SASL_BADAUTH),
    AFTER_ERROR("two separators after an error", AUTH(""), "401", "\001\001", SASL_BADPROT),
    AFTER_ERROR("a NUL after an error", AUTH(""), "401", "\000", SASL_BADPROT),
    AFTER_ERROR("a good token after an error", AUTH("Bearer @tampered@"), "401", USER GOOD,
                SASL_BADPROT),

    AFTER_SUCCESS("nothing after a success", USER GOOD, ""),
    AFTER_SUCCESS("the message again after a success", USER GOOD, USER GOOD),
};

const struct exchange_table exchange_xoauth2 = {"XOAUTH2", cases, COUNT_OF(cases)};
