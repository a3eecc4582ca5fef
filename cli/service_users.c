/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/service_users.h"

#include "common/cache_folder.h"

#include <stdio.h>

/* The name before this one in the list that has the same uid, or NULL. */
static const char *named_before(const struct jwta_conf *conf, const struct jwta_host *host,
                                size_t index, uid_t uid)
{
    for (size_t i = 0; i < index; i++) {
        uid_t other = 0;

        if (host->user(host, conf->service_users.item[i].text, &other) == JWTA_FOUND &&
            other == uid)
            return conf->service_users.item[i].text;
    }
    return NULL;
}

/* What is strange about one of the list, in words that follow its name; NULL: nothing. */
static const char *fault_of(const struct jwta_conf *conf, const struct jwta_host *host,
                            size_t index)
{
    uid_t uid = 0;

    switch (host->user(host, conf->service_users.item[index].text, &uid)) {
    case JWTA_NOT_FOUND:
        return "no user of this host";
    case JWTA_LOOKUP_FAILED:
        return "a user who cannot be looked up: the user database does not answer";
    case JWTA_FOUND:
        break;
    }
    if (uid == 0)
        return "root, whose keys lie in cache_dir itself";
    return named_before(conf, host, index, uid) != NULL ? "named a second time" : NULL;
}

size_t service_users_check(const struct jwta_conf *conf, const struct jwta_host *host)
{
    size_t warnings = 0;

    for (size_t i = 0; i < conf->service_users.count; i++) {
        const struct jwta_string *user = &conf->service_users.item[i];
        const char *fault = fault_of(conf, host, i);
        struct jwta_quoted quoted;

        if (fault == NULL)
            continue;
        (void)printf("%s:%u: warning: \"service_users\": %s is %s\n", user->where.file,
                     user->where.line, jwta_quote(&quoted, jwta_span_of(user->text)), fault);
        warnings++;
    }
    return warnings;
}

static enum jwta_exit make_one(const struct jwta_conf *conf, const struct jwta_host *host,
                               const char *user)
{
    struct jwta_cache cache = {.directory = jwta_cache_directory(conf)};
    struct jwta_why why = {0};

    switch (host->user(host, user, &cache.writer)) {
    case JWTA_NOT_FOUND:
        return JWTA_EXIT_ACCEPTED;
    case JWTA_LOOKUP_FAILED:
        (void)jwta_cli_usage("service_users: %s cannot be looked up", user);
        return JWTA_EXIT_UNAVAILABLE;
    case JWTA_FOUND:
        break;
    }
    if (cache.writer == 0)
        return JWTA_EXIT_ACCEPTED;
    switch (jwta_cache_make_folder(&cache, &why)) {
    case JWTA_FILE_OK:
        return JWTA_EXIT_ACCEPTED;
    case JWTA_FILE_INSECURE:
        return jwta_cli_usage("service_users: %s: %s", user, why.text);
    case JWTA_FILE_MISSING:
    case JWTA_FILE_FAILED:
        break;
    }
    (void)jwta_cli_usage("service_users: %s: %s", user, why.text);
    return JWTA_EXIT_UNAVAILABLE;
}

enum jwta_exit service_users_make(const struct jwta_conf *conf, const struct jwta_host *host)
{
    enum jwta_exit worst = JWTA_EXIT_ACCEPTED;

    for (size_t i = 0; i < conf->service_users.count; i++) {
        enum jwta_exit one = make_one(conf, host, conf->service_users.item[i].text);

        worst = one > worst ? one : worst;
    }
    return worst;
}
