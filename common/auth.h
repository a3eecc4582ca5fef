/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one call that every host makes: a token goes in, a decision comes out. Hosts know nothing
 * of JWTs; this file knows nothing of PAM or SASL.
 */
#ifndef JWTA_AUTH_H
#define JWTA_AUTH_H

#include "common/conf.h"
#include "common/fetch.h"
#include "common/file.h"
#include "common/log.h"
#include "common/policy.h"

/*
 * A configuration with its keys, ready to verify. One may be shared by any number of threads.
 */
struct jwta_verifier;

struct jwta_verifier_options {
    const char *path;               /* configuration file; NULL: the compiled-in one */
    uid_t expected;                 /* trusted beside root as owner of files: the caller's euid */
    const struct jwta_host *host;   /* borrowed, must live as long; NULL: this machine, see below */
    const struct jwta_log *log;     /* borrowed, must live as long; NULL: silence */
    const struct jwta_fetch *fetch; /* borrowed; NULL: the installed helper */
    const char *refresher;          /* borrowed; NULL: the installed jwtauth */
    bool pinned;                    /* opened before its process gives something up, see below */
};

/*
 * pinned is for servers that open a verifier and then enter a jail (chroot) or become another
 * user, as Postfix's smtpd does. Such a verifier
 * - keeps, if root opens it, a view of the directories of key files and of cache_dir, through which
 *   nothing can be changed and nothing else be reached (common/file_pin.h). Once the process has
 *   another root directory it reads keys through these, with the same demands on owners and modes,
 *   and never by path; and it starts no program: what is stale serves until stale_if_error is over.
 *   So do the keys of the start where the kernel gives no view.
 * - reads the keys that it can have without the network when it is opened.
 * - trusts and writes, in the cache, as the uid that the process has by then; in a jail it trusts
 *   root's part of the cache alone. Key files have to be whose they had to be when it was opened.
 * - asks, without a host of its own, no name service but for services with local_user: users below
 *   min_uid are those of /etc/passwd when it was opened, and no others are known.
 */

/*
 * Loads the configuration. Errors are logged, each with file and line, and listed in problems
 * where that is not NULL. CONF_MISSING, CONF_INSECURE, CONF_INVALID, MEMORY; USER_UNAVAILABLE where
 * a pinned one cannot read /etc/passwd.
 */
JWTA_MUST_USE enum jwta_code jwta_verifier_open(const struct jwta_verifier_options *options,
                                                struct jwta_verifier **out,
                                                struct jwta_problems *problems);

/* The same around a configuration made by hand, which becomes the verifier's (also on failure). */
JWTA_MUST_USE enum jwta_code jwta_verifier_from_conf(struct jwta_conf **conf,
                                                     const struct jwta_verifier_options *options,
                                                     enum jwta_file_trust keys_trust,
                                                     struct jwta_verifier **out);
void jwta_verifier_close(struct jwta_verifier **verifier);

const struct jwta_conf *jwta_verifier_conf(const struct jwta_verifier *verifier);

struct jwta_request {
    struct jwta_span token;
    const char *service;            /* PAM's or SASL's name of the service */
    const char *user;               /* the user that was asked for, or NULL */
    const char *authzid;            /* whom the token's user wants to act as; NULL: himself */
    const char *remote;             /* the peer's address for the log, or NULL */
    int64_t now;                    /* seconds since the epoch */
    bool need_account;              /* a name that no local user has is a denial (USER_UNKNOWN) */
    const struct jwta_trace *trace; /* for `jwtauth explain`, or NULL */
};

/* Anything that is not explicitly ALLOWED is DENIED; zero is DENIED. */
enum jwta_outcome { JWTA_DENIED, JWTA_ALLOWED };

/* The decision. Owned: jwta_result_free. Spans are borrowed from it. */
struct jwta_result {
    enum jwta_outcome outcome;
    /*
     * DENIED, but the token is good: it lacks a scope, or the policy refuses the user that it
     * names something (RFC 6750 section 3.1, insufficient_scope). Never where observed.
     */
    bool authenticated;
    struct jwta_why why;          /* the reason; hosts map its class, never show it to the peer */
    bool observed;                /* would have been ALLOWED, but the service only observes */
    struct jwta_decision decided; /* user, name, roles, groups, rule; complete when ALLOWED */
    struct jwta_claims claims;
    const struct jwta_service *service;
    const struct jwta_issuer *issuer;
    struct jwta_span kid; /* as the header names the key; absent where it does not */
    const struct jwta_alg *alg;
    char token_hash[33]; /* hash of (issuer, jti), or "" */
    json_t *payload;     /* verified, or NULL: claims and decided borrow from it */
    struct jwta_header *header;
};

/*
 * Decides about one token, in the order: bounds, header, issuer, key, signature, claims, policy.
 * Writes one audit line. The result is to be freed whatever it says. Thread-safe.
 */
void jwta_auth(struct jwta_verifier *verifier, const struct jwta_request *request,
               struct jwta_result *result);
void jwta_result_free(struct jwta_result *result);

#endif
