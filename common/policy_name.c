/* SPDX-License-Identifier: BSD-2-Clause */
/* Which names a token may bear: the user's own, the one for the server, and another user's. */
#include "common/policy_private.h"
#include "common/text.h"

#include <string.h>

#define CUTS "@+%" /* servers end a name at these: before a domain (imapd: % too) or a folder */

/* Names by which servers know somebody special, whatever uid they have, if any. */
static const char *const reserved[] = {"root", "cyrus", "anonymous", "anyone"};

/* Whether name is the word, in letters of either case, or goes on with an at or a plus sign. */
static bool stands_for(const char *name, const char *word)
{
    for (; *word != '\0'; word++, name++) {
        if (*name != *word && *name != *word - 'a' + 'A')
            return false;
    }
    return *name == '\0' || strchr(CUTS, *name) != NULL;
}

/*
 * Servers fold letters (cyrus-imapd's username_tolower), take a domain or realm of their own off,
 * and what follows a plus sign for a folder; imapd's rights have groups beside users.
 */
static bool is_reserved(const char *name)
{
    static const char group[] = "group:";
    const struct jwta_span start = jwta_span(name, strnlen(name, sizeof(group) - 1));

    if (name[0] == '\0' || jwta_text_compare(start, jwta_span_of(group)) == 0)
        return true;
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (stands_for(name, reserved[i]))
            return true;
    }
    return false;
}

/* Whether system_users lists the name; the entry is then the rule. */
static bool listed(struct jwta_policy *s, const char *name)
{
    const struct jwta_strings *users = &s->service->system_users;

    for (size_t i = 0; i < users->count; i++) {
        if (strcmp(users->item[i].text, name) == 0) {
            s->out->rule = users->item[i].where;
            return true;
        }
    }
    return false;
}

/* What servers may make of a name: in small letters, and cut. false: nothing but itself. */
static bool shorten(const char *name, char out[JWTA_USER_MAX])
{
    size_t len = strcspn(name, CUTS);

    if (len >= JWTA_USER_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        out[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
    out[len] = '\0';
    return strcmp(out, name) != 0;
}

/* uid 0, reserved names, and uids below min_uid, unless system_users lists the name. */
static enum jwta_code refuse_system(struct jwta_policy *s, const char *name, bool *account)
{
    const struct jwta_host *host = s->request->host;
    const char *bearer = name;
    char shorter[JWTA_USER_MAX];
    uid_t uid = 0;
    enum jwta_found found = host->user(host, name, &uid);

    *account = found == JWTA_FOUND;
    /* No account here, but to the server it may be that of a system user. */
    if (found == JWTA_NOT_FOUND && shorten(name, shorter)) {
        found = host->user(host, shorter, &uid);
        bearer = shorter;
    }
    s->out->rule = s->conf->min_uid.where;
    if (found == JWTA_LOOKUP_FAILED)
        return jwta_fail(s->why, JWTA_USER_UNAVAILABLE, "the user database does not answer");
    /* setresuid(2) takes it for "leave as it is": a host that does not look would stay root. */
    if (found == JWTA_FOUND && uid == (uid_t)-1)
        return jwta_fail(s->why, JWTA_USER_SYSTEM, "user %s has no uid that can be used", bearer);
    if (listed(s, name))
        return JWTA_OK;
    if (is_reserved(name))
        return jwta_fail(s->why, JWTA_USER_SYSTEM, "%s is refused (system_users)", name);
    if (found == JWTA_FOUND && (uid == 0 || (int64_t)uid < s->conf->min_uid.value))
        return jwta_fail(s->why, JWTA_USER_SYSTEM,
                         "user %s has uid %lu, below min_uid %lld (system_users)", bearer,
                         (unsigned long)uid, (long long)s->conf->min_uid.value);
    return JWTA_OK;
}

enum jwta_code jwta_policy_system_user(struct jwta_policy *s)
{
    enum jwta_code code = JWTA_OK;

    if (s->out->user[0] == '\0')
        return JWTA_OK;
    code = refuse_system(s, s->out->user, &s->out->account);
    /* An account is one user, whatever its name; of others there may be two of one name. */
    if (code != JWTA_OK || !s->cut || s->out->account || listed(s, s->out->user))
        return code;
    s->out->rule = s->issuer->username.where;
    return jwta_fail(s->why, JWTA_USER_INVALID,
                     "%s has a sign at which servers cut names (see username_match)", s->out->user);
}

/* ------------------------------------------------------------------ the name for the server */

bool jwta_policy_has_names(const struct jwta_policy *s)
{
    return s->service->names.count > 0 && s->out->user[0] != '\0';
}

static bool fits(const struct jwta_naming *naming, struct jwta_span name)
{
    struct jwta_span before = jwta_span_of(naming->before);
    struct jwta_span after = jwta_span_of(naming->after);

    /* "{user}" makes nothing of a name. */
    if (before.len + after.len == 0 || name.len < before.len + after.len)
        return false;
    return jwta_text_compare(jwta_span(name.data, before.len), before) == 0 &&
           jwta_text_compare(jwta_span(name.data + name.len - after.len, after.len), after) == 0;
}

/* Whether a name, whole or cut, reads like one that the template makes, in letters of any case. */
static bool reads_like(const struct jwta_naming *naming, const char *name)
{
    for (size_t len = strlen(name); len > 0; len--) {
        if ((name[len] == '\0' || strchr(CUTS, name[len]) != NULL) &&
            fits(naming, jwta_span(name, len)))
            return true;
    }
    return false;
}

/* A name that only the users of a group have is nobody else's, whatever the issuer calls him. */
static enum jwta_code refuse_made(struct jwta_policy *s, const char *name)
{
    const struct jwta_namings *names = &s->service->names;
    struct jwta_quoted quoted;
    struct jwta_quoted group;

    for (size_t i = 0; i < names->count; i++) {
        const struct jwta_naming *naming = &names->item[i];

        if (!reads_like(naming, name))
            continue;
        s->out->rule = naming->group.where;
        return jwta_fail(s->why, JWTA_USER_INVALID,
                         "%s reads like the name of a user of group %s (%s:%u)",
                         jwta_quote(&quoted, jwta_span_of(name)),
                         jwta_quote(&group, jwta_span_of(naming->group.text)),
                         naming->group.where.file, naming->group.where.line);
    }
    return JWTA_OK;
}

static enum jwta_code make_name(struct jwta_policy *s, const struct jwta_naming *naming)
{
    const char *const parts[] = {naming->before, s->out->user, naming->after};
    char name[JWTA_USER_MAX];
    struct jwta_quoted quoted;
    size_t used = 0;
    bool account = false;
    enum jwta_code code = JWTA_OK;

    s->out->rule = naming->group.where;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        size_t len = strlen(parts[i]);

        if (len >= sizeof(name) - used)
            return jwta_fail(s->why, JWTA_USER_INVALID,
                             "the name for the server is longer than %zu bytes", sizeof(name) - 1);
        memcpy(name + used, parts[i], len);
        used += len;
    }
    name[used] = '\0';
    if (!jwta_name_valid(name))
        return jwta_fail(s->why, JWTA_USER_INVALID, "%s is no valid user name",
                         jwta_quote(&quoted, jwta_span_of(name)));
    if (strcmp(name, s->out->user) != 0)
        code = refuse_system(s, name, &account);
    if (code != JWTA_OK)
        return code;
    s->out->rule = naming->group.where;
    memcpy(s->out->name, name, used + 1);
    return JWTA_OK;
}

bool jwta_name_special(const struct jwta_service *service, const char *name)
{
    for (size_t i = 0; i < service->names.count; i++) {
        if (reads_like(&service->names.item[i], name))
            return true;
    }
    return is_reserved(name);
}

enum jwta_code jwta_policy_name(struct jwta_policy *s)
{
    const struct jwta_namings *names = &s->service->names;
    enum jwta_code code = refuse_made(s, s->out->user);

    for (size_t i = 0; i < names->count && code == JWTA_OK; i++) {
        if (jwta_roles_give(s, names->item[i].group.text))
            return make_name(s, &names->item[i]);
    }
    return code;
}

/* ------------------------------------------------------------------ another user */

/* RFC 4513 section 5.2.1.8: to LDAP servers u:NAME is the user NAME. Exactly that, and once. */
static const char *name_of(const char *authzid)
{
    return strncmp(authzid, "u:", 2) == 0 ? authzid + 2 : authzid;
}

static bool is_own(const struct jwta_policy *s, const char *name)
{
    return s->out->user[0] != '\0' &&
           (strcmp(name, s->out->user) == 0 || strcmp(name, s->out->name) == 0);
}

bool jwta_policy_is_proxied(const struct jwta_policy *s)
{
    const char *authzid = s->request->authzid;

    return authzid != NULL && !is_own(s, authzid) && !is_own(s, name_of(authzid));
}

/*
 * An authorization identity may be any text (RFC 4422 section 3.4.1), but what a server makes of
 * it is not for us to guess: libsasl takes blanks off its ends, slapd reads a DN or u:NAME, imapd
 * a domain behind a percent sign. So it is a name like a user's own.
 */
static enum jwta_code check_authzid(struct jwta_policy *s, const char *authzid)
{
    size_t len = strlen(authzid);
    struct jwta_quoted quoted;

    if (len == 0 || len >= JWTA_USER_MAX)
        return jwta_fail(s->why, JWTA_USER_INVALID, "authzid has %zu bytes, not 1 to %d", len,
                         JWTA_USER_MAX - 1);
    if (!jwta_name_valid(name_of(authzid)))
        return jwta_fail(s->why, JWTA_USER_INVALID, "authzid %s is no valid user name",
                         jwta_quote(&quoted, jwta_span(authzid, len)));
    return JWTA_OK;
}

enum jwta_code jwta_policy_proxy(struct jwta_policy *s)
{
    const char *authzid = s->request->authzid;
    const struct jwta_strings *rules = &s->service->proxy_roles;
    const struct jwta_where *rule = NULL;
    struct jwta_quoted user;
    struct jwta_quoted other;
    bool account = false;
    enum jwta_code code = check_authzid(s, authzid);

    if (code == JWTA_OK && (rule = jwta_roles_admit(s, rules)) == NULL) {
        s->out->rule = rules->where.file != NULL ? rules->where : s->service->where;
        return jwta_fail(s->why, JWTA_PROXY, "%s may not act as %s: %s (%s:%u)",
                         jwta_quote(&user, jwta_span_of(s->out->user)),
                         jwta_quote(&other, jwta_span_of(authzid)),
                         rules->where.file != NULL ? "none of the token's roles is in proxy_roles"
                                                   : "the service has no proxy_roles",
                         s->out->rule.file, s->out->rule.line);
    }
    if (code == JWTA_OK)
        code = refuse_made(s, name_of(authzid));
    if (code == JWTA_OK)
        code = refuse_system(s, name_of(authzid), &account);
    if (code != JWTA_OK)
        return code;
    s->out->proxied = true;
    s->out->rule = *rule;
    return JWTA_OK;
}
