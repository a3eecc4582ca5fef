/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of policy. */
#ifndef JWTA_POLICY_PRIVATE_H
#define JWTA_POLICY_PRIVATE_H

#include "common/policy.h"

/* A role and where among the token's it stands, to find it by its name. */
struct jwta_ranked_role {
    struct jwta_span role;
    size_t index;
};

/* A decision's roles by name, each once. item is to be freed. */
struct jwta_role_index {
    struct jwta_ranked_role *item;
    size_t count;
};

/* One decision on its way: everything that a step looks at. */
struct jwta_policy {
    const struct jwta_conf *conf;
    const struct jwta_issuer *issuer;
    const struct jwta_service *service;
    const json_t *payload;
    const struct jwta_policy_request *request;
    struct jwta_decision *out;
    struct jwta_why *why;
    struct jwta_role_index index; /* of out->role */
    bool cut;                     /* a claim put a sign into user at which servers cut names */
};

/*
 * policy_user.c: the token's user by the issuer's template, and whether it is the one asked for.
 * "" where there is no template: only for `jwtauth verify --jwks`, which logs no one in.
 */
JWTA_MUST_USE enum jwta_code jwta_policy_user(struct jwta_policy *s);

/*
 * A name that programs cannot mistake for something else: portable characters, no leading hyphen or
 * period, not a number (chown, setpriv and others would take it for a uid).
 */
bool jwta_name_valid(const char *name);

/* policy_name.c: refuses system users and reserved names; sets account. */
JWTA_MUST_USE enum jwta_code jwta_policy_system_user(struct jwta_policy *s);

/* The name for the server, by the service's names. */
bool jwta_policy_has_names(const struct jwta_policy *s);
JWTA_MUST_USE enum jwta_code jwta_policy_name(struct jwta_policy *s);

/* Acting as somebody else than user and name, by the service's proxy_roles. */
bool jwta_policy_is_proxied(const struct jwta_policy *s);
JWTA_MUST_USE enum jwta_code jwta_policy_proxy(struct jwta_policy *s);

/*
 * policy_roles.c: the roles at each of the issuer's pointers, in the token's order; a pointer that
 * leads nowhere gives none. CLAIM_TYPE, with the pointer as the rule; MEMORY, INTERNAL (more roles
 * than a token holds).
 */
JWTA_MUST_USE enum jwta_code jwta_roles_read(const struct jwta_issuer *issuer,
                                             const json_t *payload, struct jwta_decision *out,
                                             struct jwta_role_index *index, struct jwta_why *why);

/* The first of a service's rules (allow_roles, proxy_roles) that a role meets, or NULL. */
const struct jwta_where *jwta_roles_admit(const struct jwta_policy *s,
                                          const struct jwta_strings *rules);

/* Whether a role gives the local group. */
bool jwta_roles_give(const struct jwta_policy *s, const char *group);

/* The local groups that the roles give, by the issuer's table only, each gid once. MEMORY. */
JWTA_MUST_USE enum jwta_code jwta_roles_map(const struct jwta_issuer *issuer,
                                            struct jwta_decision *out, struct jwta_why *why);

#endif
