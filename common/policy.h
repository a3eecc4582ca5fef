/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Policy: which local user a verified token is, which groups its roles give, and whether the
 * service lets that user in, with the rule (file and line) that decided.
 */
#ifndef JWTA_POLICY_H
#define JWTA_POLICY_H

#include "common/claims.h"
#include "common/conf.h"

#define JWTA_USER_MAX 256

/* What the policy decided. Names are borrowed from the payload and the configuration. */
struct jwta_decision {
    char user[JWTA_USER_MAX]; /* "" as long as there is none */
    char name[JWTA_USER_MAX]; /* what the server sees: by the service's names, else user */
    bool proxied;             /* it acts as another user than these: authzid, by proxy_roles */
    bool account;             /* a local user of this name exists */
    struct jwta_span
        *role; /* the token's roles, as the issuer wrote them, in that order, each once */
    size_t role_count;
    const struct jwta_group **group; /* the local groups they give, no duplicates */
    size_t group_count;
    struct jwta_where rule; /* the setting that allowed or refused */
};

/* What the peer asks for, and who is asked about users. */
struct jwta_policy_request {
    const char *user; /* the user's name, which the mapped one must equal byte for byte; or NULL */
    const char *authzid; /* whom the user wants to act as; NULL: himself */
    const struct jwta_host *host;
    const struct jwta_trace *trace; /* or NULL */
};

/*
 * Decides. *out is written on success and, as far as it was
 * computed, on a denial (for the audit line); free it either way.
 * CLAIM_TYPE, the denials from USER_CLAIM to PROXY in err.h, USER_UNAVAILABLE, MEMORY.
 * A name that no local user has is no denial here: hosts that need an account check themselves.
 * Reserved names and names of system users are refused as user, as name and as authzid alike, and
 * so is a user or authzid that reads like a name that the service's names make for a group.
 */
JWTA_MUST_USE enum jwta_code jwta_policy_decide(const struct jwta_conf *conf,
                                                const struct jwta_issuer *issuer,
                                                const struct jwta_service *service,
                                                const json_t *payload,
                                                const struct jwta_policy_request *request,
                                                struct jwta_decision *out, struct jwta_why *why);

/*
 * Whether servers take a name for more than a plain user's: it is a reserved one, or reads like one
 * that the service's names make, in letters of either case and also before an at, plus or percent
 * sign. For names that a server has made of one that was decided. The empty name is special.
 */
bool jwta_name_special(const struct jwta_service *service, const char *name);

void jwta_decision_free(struct jwta_decision *decision);

#endif
