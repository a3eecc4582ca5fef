/* SPDX-License-Identifier: BSD-2-Clause */
/* Which user a token is, by the issuer's template. */
#include "common/json.h"
#include "common/policy_private.h"

#include <string.h>

static enum jwta_code append(struct jwta_policy *s, size_t *used, struct jwta_span bytes)
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
static enum jwta_code localpart(struct jwta_policy *s, struct jwta_span *address)
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

/*
 * Whether there is an at or a plus sign: servers take their own domain and what follows a plus sign
 * off, so that two users would be one. An address has its one at sign, whoever it is of.
 */
static bool has_cut(const struct jwta_piece *piece, struct jwta_span text)
{
    size_t signs = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '+')
            return true;
        if (text.data[i] == '@')
            signs++;
    }
    return signs > (piece->email ? 1 : 0);
}

static enum jwta_code append_piece(struct jwta_policy *s, const struct jwta_piece *piece,
                                   size_t *used)
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
    s->cut = s->cut || has_cut(piece, text);
    return code == JWTA_OK ? append(s, used, text) : code;
}

/*
 * username_match: the whole name must match; its first group, where it has one, is the name. The
 * C locale keeps ranges such as [a-z] what they say, whatever locale the host runs in.
 */
static enum jwta_code match(struct jwta_policy *s)
{
    const struct jwta_pattern *pattern = &s->issuer->username_match;
    struct jwta_quoted quoted;
    regmatch_t group[2] = {{.rm_so = -1}, {.rm_so = -1}};

    if (pattern->regex == NULL)
        return JWTA_OK;
    /* Which names there are is the administrator's word now. */
    s->cut = false;
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

bool jwta_name_valid(const char *name)
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

enum jwta_code jwta_policy_user(struct jwta_policy *s)
{
    const struct jwta_template *template = &s->issuer->username;
    struct jwta_quoted mapped;
    struct jwta_quoted requested;
    size_t used = 0;
    enum jwta_code code = JWTA_OK;

    s->out->rule = template->where;
    /* Only `jwtauth verify --jwks` has no template: it looks at tokens and logs no one in. */
    if (template->where.file == NULL && s->request->user == NULL)
        return JWTA_OK;
    if (template->email && !json_is_true(json_object_get(s->payload, "email_verified")))
        return jwta_fail(s->why, JWTA_EMAIL_UNVERIFIED, "email_verified is not true");
    for (size_t i = 0; i < template->count && code == JWTA_OK; i++)
        code = append_piece(s, &template->piece[i], &used);
    /* JSON strings have no NUL here (jwta_json_parse), so the name is all of what was read. */
    if (code == JWTA_OK)
        code = match(s);
    if (code == JWTA_OK && !jwta_name_valid(s->out->user))
        code = jwta_fail(s->why, JWTA_USER_INVALID, "%s is no valid user name",
                         jwta_quote(&mapped, jwta_span_of(s->out->user)));
    if (code != JWTA_OK) {
        s->out->user[0] = '\0';
        return code;
    }
    if (s->request->user != NULL && strcmp(s->request->user, s->out->user) != 0)
        return jwta_fail(s->why, JWTA_USER_MISMATCH, "the token is %s's, the login is for %s",
                         jwta_quote(&mapped, jwta_span_of(s->out->user)),
                         jwta_quote(&requested, jwta_span_of(s->request->user)));
    memcpy(s->out->name, s->out->user, strlen(s->out->user) + 1);
    return JWTA_OK;
}
