/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/kept.h"

#include "common/cache_folder.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Keeps of a line what follows these words, which are those of keys and cache. */
static void overhear(void *context, enum jwta_level level, const char *line)
{
    static const char stale[] = ": served stale: ";
    static const char cache[] = "cache of issuer ";
    struct kept *kept = context;
    const char *at = strstr(line, stale);

    if (level > JWTA_LOG_NOTICE)
        return;
    if (at != NULL)
        (void)snprintf(kept->stale, sizeof(kept->stale), "%s", at + sizeof(stale) - 1);
    at = strncmp(line, cache, sizeof(cache) - 1) == 0 ? strstr(line, ": ") : NULL;
    if (at != NULL)
        (void)snprintf(kept->uncached, sizeof(kept->uncached), "%s", at + 2);
}

void kept_begin(struct kept *kept)
{
    *kept = (struct kept){.log = {.write = overhear, .context = kept}};
}

void kept_look(struct kept *kept, const struct jwta_conf *conf, struct jwta_keys *keys,
               const struct jwta_issuer *issuer, int64_t now)
{
    const struct jwta_cache cache = {.directory = jwta_cache_directory(conf), .writer = geteuid()};
    struct jwta_span source =
        jwta_span_of(issuer->jwks.place != NULL ? issuer->jwks.place : "discover");
    struct jwta_cache_entry entry = {0};
    struct jwta_keys_age age;
    struct jwta_why why = {0};
    enum jwta_file_status status = JWTA_FILE_OK;

    if (!jwta_keys_age(keys, issuer, &age)) {
        kept->uncached[0] = '\0';
        return;
    }
    status = jwta_cache_read(&cache, issuer->name, jwta_span_of(issuer->issuer.text), source, now,
                             &entry, &why);
    /* What was overheard may be of a file that has been replaced since. */
    if (status == JWTA_FILE_OK && entry.fetched == age.fetched)
        kept->uncached[0] = '\0';
    else if (status != JWTA_FILE_OK && (status != JWTA_FILE_MISSING || kept->uncached[0] == '\0'))
        (void)snprintf(kept->uncached, sizeof(kept->uncached), "%s", why.text);
    else if (kept->uncached[0] == '\0')
        (void)snprintf(kept->uncached, sizeof(kept->uncached), "the cache has older ones");
    jwta_cache_entry_free(&entry);
}
