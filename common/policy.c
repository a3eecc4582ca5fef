/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/policy_private.h"

#include <stdlib.h>

static const struct jwta_where *allowed_by_group(const struct jwta_policy *s)
{
    const struct jwta_strings *rules = &s->service->allow_groups;

    for (size_t i = 0; i < rules->count; i++) {
        if (jwta_roles_give(s, rules->item[i].text))
            return &rules->item[i].where;
    }
    return NULL;
}

/* A token without any role: the usual cause is that they stand elsewhere in it. */
static enum jwta_code no_role(struct jwta_policy *s, const char *rules)
{
    const struct jwta_strings *places = &s->issuer->roles;

    if (places->count == 0)
        return jwta_fail(s->why, JWTA_NOT_ALLOWED,
                         "the issuer has no \"roles\", and %s wants one (%s:%u)", rules,
                         s->out->rule.file, s->out->rule.line);
    return jwta_fail(
        s->why, JWTA_NOT_ALLOWED, "the token has no role at %s%s (%s:%u), and %s wants one (%s:%u)",
        places->item[0].text, places->count > 1 ? " and the others" : "", places->where.file,
        places->where.line, rules, s->out->rule.file, s->out->rule.line);
}

static enum jwta_code gate(struct jwta_policy *s)
{
    const struct jwta_service *service = s->service;
    const struct jwta_where *admitted = NULL;
    struct jwta_quoted role;
    const char *rules = NULL;
    bool by_role = service->allow_roles.where.file != NULL;
    bool by_group = service->allow_groups.where.file != NULL;

    if (!by_role && !by_group) {
        s->out->rule = service->where;
        return JWTA_OK;
    }
    admitted = jwta_roles_admit(s, &service->allow_roles);
    if (admitted == NULL)
        admitted = allowed_by_group(s);
    if (admitted != NULL) {
        s->out->rule = *admitted;
        return JWTA_OK;
    }
    s->out->rule = by_role ? service->allow_roles.where : service->allow_groups.where;
    rules = by_role && by_group ? "allow_roles or allow_groups"
            : by_role           ? "allow_roles"
                                : "allow_groups";
    if (s->out->role_count == 0)
        return no_role(s, rules);
    return jwta_fail(
        s->why, JWTA_NOT_ALLOWED, "none of the token's %zu role%s (%s%s) is admitted by %s (%s:%u)",
        s->out->role_count, s->out->role_count == 1 ? "" : "s", jwta_quote(&role, s->out->role[0]),
        s->out->role_count > 1 ? " and others" : "", rules, s->out->rule.file, s->out->rule.line);
}

static enum jwta_code roles(struct jwta_policy *s)
{
    return jwta_roles_read(s->issuer, s->payload, s->out, &s->index, s->why);
}

static enum jwta_code groups(struct jwta_policy *s)
{
    return jwta_roles_map(s->issuer, s->out, s->why);
}

static const struct {
    const char *name;
    enum jwta_code (*run)(struct jwta_policy *s);
    bool (*applies)(const struct jwta_policy *s); /* NULL: always */
} steps[] = {
    {"user", jwta_policy_user, NULL},
    {"min_uid", jwta_policy_system_user, NULL},
    {"roles", roles, NULL},
    {"groups", groups, NULL},
    {"name", jwta_policy_name, jwta_policy_has_names},
    {"allow", gate, NULL},
    {"proxy", jwta_policy_proxy, jwta_policy_is_proxied},
};

enum jwta_code jwta_policy_decide(const struct jwta_conf *conf, const struct jwta_issuer *issuer,
                                  const struct jwta_service *service, const json_t *payload,
                                  const struct jwta_policy_request *request,
                                  struct jwta_decision *out, struct jwta_why *why)
{
    struct jwta_policy s = {
        .conf = conf,
        .issuer = issuer,
        .service = service,
        .payload = payload,
        .request = request,
        .out = out,
        .why = why,
    };
    enum jwta_code code = JWTA_OK;

    out->user[0] = '\0';
    out->name[0] = '\0';
    out->proxied = false;
    out->account = false;
    out->role = NULL;
    out->role_count = 0;
    out->group = NULL;
    out->group_count = 0;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (steps[i].applies != NULL && !steps[i].applies(&s))
            continue;
        code = steps[i].run(&s);
        jwta_trace_step(request->trace, steps[i].name, code, code == JWTA_OK ? NULL : why);
        if (code != JWTA_OK)
            break;
    }
    free(s.index.item);
    return code;
}

void jwta_decision_free(struct jwta_decision *decision)
{
    free(decision->role);
    free(decision->group);
    decision->role = NULL;
    decision->role_count = 0;
    decision->group = NULL;
    decision->group_count = 0;
}
