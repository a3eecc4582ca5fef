/* SPDX-License-Identifier: BSD-2-Clause */
/* Between policy.c and policy_roles.c. */
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

/*
 * The roles at each of the issuer's pointers, in the token's order; a pointer that leads nowhere
 * gives none. CLAIM_TYPE, with the pointer as the rule; MEMORY, INTERNAL (more roles than a token
 * holds).
 */
JWTA_MUST_USE enum jwta_code jwta_roles_read(const struct jwta_issuer *issuer,
                                             const json_t *payload, struct jwta_decision *out,
                                             struct jwta_role_index *index, struct jwta_why *why);

bool jwta_role_find(const struct jwta_role_index *index, struct jwta_span role);

/* The local groups that the roles give, by the issuer's table only, each gid once. MEMORY. */
JWTA_MUST_USE enum jwta_code jwta_roles_map(const struct jwta_issuer *issuer,
                                            struct jwta_decision *out, struct jwta_why *why);

#endif
