/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/policy_private.h"

#include "common/json.h"

#include <stdlib.h>
#include <string.h>

/* Everything that a step looks at. */
struct state {
    const struct jwta_conf *conf;
    const struct jwta_issuer *issuer;
    const struct jwta_service *service;
    const json_t *payload;
    const char *requested;
    const struct jwta_host *host;
    struct jwta_decision *out;
    struct jwta_why *why;
    struct jwta_role_index index; /* of out->role */
};

/* ------------------------------------------------------------------ the user name */

static enum jwta_code append(struct state *s, size_t *used, struct jwta_span bytes)
{
    if (bytes.len >= sizeof(s->out->user) - *used)
        return jwta_fail(s->why, JWTA_USER_INVALID, "the mapped name is longer than %zu bytes",
                         sizeof(s->out->user) - 1);
    memcpy(s->out->user + *used, bytes.data, bytes.len);
    *used += bytes.len;
    s->out->user[*used] = '\0';
    return JWTA_OK;
}

/* The part before the one @ of an address whose domain is the configured one. */
static enum jwta_code localpart(struct state *s, struct jwta_span *address)
{
    const struct jwta_string *domain = &s->issuer->email_domain;
    const char *at = memchr(address->data, '@', address->len);
    struct jwta_quoted quoted;
    struct jwta_span after = {0};

    if (at != NULL)
        after = jwta_span(at + 1, (size_t)(address->data + address->len - (at + 1)));
    /* A second @ is part of `after` and makes it differ. */
    if (at == NULL || at == address->data || domain->text == NULL ||
        !jwta_span_is(after, domain->text)) {
        s->out->rule = domain->where;
        return jwta_fail(s->why, JWTA_EMAIL_DOMAIN, "address %s is not of domain %s (%s:%u)",
                         jwta_quote(&quoted, *address), domain->text != NULL ? domain->text : "-",
                         domain->where.file != NULL ? domain->where.file : "-", domain->where.line);
    }
    address->len = (size_t)(at - address->data);
    return JWTA_OK;
}

static enum jwta_code append_piece(struct state *s, const struct jwta_piece *piece, size_t *used)
{
    const json_t *value = NULL;
    struct jwta_span text = {0};
    enum jwta_code code = JWTA_OK;

    if (piece->kind == JWTA_PIECE_LITERAL)
        return append(s, used, jwta_span_of(piece->text));
    value = jwta_json_pointer(s->payload, piece->text);
    if (value == NULL)
        return jwta_fail(s->why, JWTA_USER_CLAIM, "claim %s is absent", piece->text);
    if (!json_is_string(value))
        return jwta_fail(s->why, JWTA_CLAIM_TYPE, "%s: expected a string, got %s", piece->text,
                         jwta_json_type_name(value));
    text = jwta_json_text(value);
    if (text.len == 0)
        return jwta_fail(s->why, JWTA_USER_CLAIM, "claim %s is empty", piece->text);
    if (piece->kind == JWTA_PIECE_LOCALPART)
        code = localpart(s, &text);
    return code == JWTA_OK ? append(s, used, text) : code;
}

/*
 * username_match: the whole name must match; its first group, where it has one, is the name. The
 * C locale keeps ranges such as [a-z] what they say, whatever locale the host runs in.
 */
static enum jwta_code match(struct state *s)
{
    const struct jwta_pattern *pattern = &s->issuer->username_match;
    struct jwta_quoted quoted;
    regmatch_t group[2] = {{.rm_so = -1}, {.rm_so = -1}};

    if (pattern->regex == NULL)
        return JWTA_OK;
    if (jwta_pattern_match(pattern, s->out->user, group, 2) && group[0].rm_so == 0 &&
        s->out->user[group[0].rm_eo] == '\0') {
        if (pattern->regex->re_nsub > 0) {
            size_t len = group[1].rm_so < 0 ? 0 : (size_t)(group[1].rm_eo - group[1].rm_so);

            if (len > 0)
                memmove(s->out->user, s->out->user + group[1].rm_so, len);
            s->out->user[len] = '\0';
        }
        return JWTA_OK;
    }
    s->out->rule = pattern->where;
    return jwta_fail(s->why, JWTA_USER_MATCH, "name %s does not match %s (%s:%u)",
                     jwta_quote(&quoted, jwta_span_of(s->out->user)), pattern->text,
                     pattern->where.file, pattern->where.line);
}

/*
 * A name that programs cannot mistake for something else: portable characters, no leading hyphen or
 * period, not a number (chown, setpriv and others would take it for a uid).
 */
static bool name_valid(const char *name)
{
    static const char more[] = "_.@+-";
    bool digits_only = true;

    if (name[0] == '\0' || name[0] == '-' || name[0] == '.' || name[0] == '+' || name[0] == '@')
        return false;
    for (const char *p = name; *p != '\0'; p++) {
        bool digit = *p >= '0' && *p <= '9';
        bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');

        if (!digit && !letter && strchr(more, *p) == NULL)
            return false;
        digits_only = digits_only && digit;
    }
    return !digits_only;
}

static enum jwta_code user_name(struct state *s)
{
    const struct jwta_template *template = &s->issuer->username;
    struct jwta_quoted mapped;
    struct jwta_quoted requested;
    size_t used = 0;
    enum jwta_code code = JWTA_OK;

    s->out->rule = template->where;
    /* Only `jwtauth verify --jwks` has no template: it looks at tokens and logs no one in. */
    if (template->where.file == NULL && s->requested == NULL)
        return JWTA_OK;
    if (template->email && !json_is_true(json_object_get(s->payload, "email_verified")))
        return jwta_fail(s->why, JWTA_EMAIL_UNVERIFIED, "email_verified is not true");
    for (size_t i = 0; i < template->count && code == JWTA_OK; i++)
        code = append_piece(s, &template->piece[i], &used);
    /* JSON strings have no NUL here (jwta_json_parse), so the name is all of what was read. */
    if (code == JWTA_OK)
        code = match(s);
    if (code == JWTA_OK && !name_valid(s->out->user))
        code = jwta_fail(s->why, JWTA_USER_INVALID, "%s is no valid user name",
                         jwta_quote(&mapped, jwta_span_of(s->out->user)));
    if (code != JWTA_OK) {
        s->out->user[0] = '\0';
        return code;
    }
    if (s->requested != NULL && strcmp(s->requested, s->out->user) != 0)
        return jwta_fail(s->why, JWTA_USER_MISMATCH, "the token is %s's, the login is for %s",
                         jwta_quote(&mapped, jwta_span_of(s->out->user)),
                         jwta_quote(&requested, jwta_span_of(s->requested)));
    return JWTA_OK;
}

/* Whether system_users lists the name; the entry is then the rule. */
static bool system_user_listed(struct state *s)
{
    const struct jwta_strings *listed = &s->service->system_users;

    for (size_t i = 0; i < listed->count; i++) {
        if (strcmp(listed->item[i].text, s->out->user) == 0) {
            s->out->rule = listed->item[i].where;
            return true;
        }
    }
    return false;
}

/* uid 0, the name root, and uids below min_uid, unless system_users lists the name. */
static enum jwta_code system_user(struct state *s)
{
    const char *name = s->out->user;
    uid_t uid = 0;
    enum jwta_found found = JWTA_NOT_FOUND;

    if (name[0] == '\0')
        return JWTA_OK;
    found = s->host->user(s->host, name, &uid);
    s->out->account = found == JWTA_FOUND;
    s->out->rule = s->conf->min_uid.where;
    if (found == JWTA_LOOKUP_FAILED)
        return jwta_fail(s->why, JWTA_USER_UNAVAILABLE, "the user database does not answer");
    /* setresuid(2) takes it for "leave as it is": a host that does not look would stay root. */
    if (found == JWTA_FOUND && uid == (uid_t)-1)
        return jwta_fail(s->why, JWTA_USER_SYSTEM, "user %s has no uid that can be used", name);
    if (system_user_listed(s))
        return JWTA_OK;
    if (strcmp(name, "root") == 0)
        return jwta_fail(s->why, JWTA_USER_SYSTEM, "root is refused (system_users)");
    if (found == JWTA_FOUND && (uid == 0 || (int64_t)uid < s->conf->min_uid.value))
        return jwta_fail(s->why, JWTA_USER_SYSTEM,
                         "user %s has uid %lu, below min_uid %lld (system_users)", name,
                         (unsigned long)uid, (long long)s->conf->min_uid.value);
    return JWTA_OK;
}

/* ------------------------------------------------------------------ the gate */

/* Where a service has several issuers, its roles are written issuer/role. */
static bool role_named(const struct state *s, const char *rule, struct jwta_span *role)
{
    size_t prefix = strlen(s->issuer->name);

    if (s->service->issuer_count < 2) {
        *role = jwta_span_of(rule);
        return true;
    }
    if (strncmp(rule, s->issuer->name, prefix) != 0 || rule[prefix] != '/')
        return false;
    *role = jwta_span_of(rule + prefix + 1);
    return true;
}

static bool allowed_by_role(const struct state *s)
{
    const struct jwta_strings *rules = &s->service->allow_roles;
    struct jwta_span role = {0};

    for (size_t i = 0; i < rules->count; i++) {
        if (role_named(s, rules->item[i].text, &role) && jwta_role_find(&s->index, role)) {
            s->out->rule = rules->item[i].where;
            return true;
        }
    }
    return false;
}

/* By the table, not by what add_group kept: two names of one gid are both the user's. */
static bool gives_group(const struct state *s, const char *name)
{
    for (size_t i = 0; i < s->out->role_count; i++) {
        const struct jwta_mapping *mapping = jwta_conf_mapping(s->issuer, s->out->role[i]);

        for (size_t j = 0; mapping != NULL && j < mapping->count; j++) {
            if (strcmp(mapping->group[j].name, name) == 0)
                return true;
        }
    }
    return false;
}

static bool allowed_by_group(const struct state *s)
{
    const struct jwta_strings *rules = &s->service->allow_groups;

    for (size_t i = 0; i < rules->count; i++) {
        if (gives_group(s, rules->item[i].text)) {
            s->out->rule = rules->item[i].where;
            return true;
        }
    }
    return false;
}

/* A token without any role: the usual cause is that they stand elsewhere in it. */
static enum jwta_code no_role(struct state *s, const char *rules)
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

static enum jwta_code gate(struct state *s)
{
    const struct jwta_service *service = s->service;
    struct jwta_quoted role;
    const char *rules = NULL;
    bool by_role = service->allow_roles.where.file != NULL;
    bool by_group = service->allow_groups.where.file != NULL;

    if (!by_role && !by_group) {
        s->out->rule = service->where;
        return JWTA_OK;
    }
    if (allowed_by_role(s) || allowed_by_group(s))
        return JWTA_OK;
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

static enum jwta_code roles(struct state *s)
{
    return jwta_roles_read(s->issuer, s->payload, s->out, &s->index, s->why);
}

static enum jwta_code groups(struct state *s)
{
    return jwta_roles_map(s->issuer, s->out, s->why);
}

static const struct {
    const char *name;
    enum jwta_code (*run)(struct state *s);
} steps[] = {
    {"user", user_name}, {"min_uid", system_user}, {"roles", roles},
    {"groups", groups},  {"allow", gate},
};

enum jwta_code jwta_policy_decide(const struct jwta_conf *conf, const struct jwta_issuer *issuer,
                                  const struct jwta_service *service, const json_t *payload,
                                  const char *requested, const struct jwta_host *host,
                                  const struct jwta_trace *trace, struct jwta_decision *out,
                                  struct jwta_why *why)
{
    struct state s = {
        .conf = conf,
        .issuer = issuer,
        .service = service,
        .payload = payload,
        .requested = requested,
        .host = host,
        .out = out,
        .why = why,
    };
    enum jwta_code code = JWTA_OK;

    out->user[0] = '\0';
    out->account = false;
    out->role = NULL;
    out->role_count = 0;
    out->group = NULL;
    out->group_count = 0;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        code = steps[i].run(&s);
        jwta_trace_step(trace, steps[i].name, code, code == JWTA_OK ? NULL : why);
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
