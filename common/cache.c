/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the cache. */
#include "common/cache_private.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CLOCK_BACK 60 /* seconds that clocks may differ by */

bool jwta_cache_path(const struct jwta_cache *cache, uid_t owner, const char *name,
                     const char *suffix, struct jwta_cache_path *path)
{
    int len = owner == 0 ? snprintf(path->text, sizeof(path->text), "%s/%s.%s", cache->directory,
                                    name, suffix)
                         : snprintf(path->text, sizeof(path->text), "%s/%lu/%s.%s",
                                    cache->directory, (unsigned long)owner, name, suffix);

    return len > 0 && (size_t)len < sizeof(path->text);
}

/* A pinned cache's name for what a path in it names. */
static struct jwta_pinned_file pinned(const struct jwta_cache *cache,
                                      const struct jwta_cache_path *path)
{
    return (struct jwta_pinned_file){
        .pin = cache->pin, .name = path->text + strlen(cache->directory) + 1, .path = path->text};
}

static enum jwta_file_status read_file(const struct jwta_cache *cache, uid_t owner,
                                       const struct jwta_cache_path *path,
                                       struct jwta_cache_entry *out, struct jwta_why *why)
{
    const struct jwta_pinned_file file = pinned(cache, path);

    if (cache->pin != NULL)
        return jwta_pin_read(&file, JWTA_FILE_TRUSTED, owner, JWTA_CACHE_FILE_MAX, &out->text,
                             &out->id, why);
    return jwta_file_read(path->text, JWTA_FILE_TRUSTED, owner, JWTA_CACHE_FILE_MAX, &out->text,
                          &out->id, why);
}

static void identify(const struct jwta_cache *cache, const struct jwta_cache_path *path,
                     struct jwta_file_id *id)
{
    const struct jwta_pinned_file file = pinned(cache, path);

    if (cache->pin != NULL)
        (void)jwta_pin_identify(&file, id);
    else
        (void)jwta_file_identify(path->text, id);
}

/* ------------------------------------------------------------------ entries */

bool jwta_cache_take_line(struct jwta_span *text, const char *key, struct jwta_span *value)
{
    size_t len = strlen(key);
    const char *end = text->len > 0 ? memchr(text->data, '\n', text->len) : NULL;
    struct jwta_span line = {0};

    if (end == NULL)
        return false;
    line = jwta_span(text->data, (size_t)(end - text->data));
    if (line.len < len || memcmp(line.data, key, len) != 0 ||
        (line.len > len && line.data[len] != ' '))
        return false;
    *value = line.len > len + 1 ? jwta_span(line.data + len + 1, line.len - len - 1)
                                : jwta_span(NULL, 0);
    text->data += line.len + 1;
    text->len -= line.len + 1;
    return true;
}

bool jwta_cache_take_number(struct jwta_span *text, const char *key, int64_t *out)
{
    struct jwta_span digits = {0};
    int64_t value = 0;

    if (!jwta_cache_take_line(text, key, &digits) || digits.len == 0 || digits.len > 15)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return false;
        value = value * 10 + (digits.data[i] - '0');
    }
    *out = value;
    return true;
}

uint64_t jwta_cache_sum(struct jwta_span text)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    uint64_t word = 0;
    size_t at = 0;

    for (; text.len - at >= sizeof(word); at += sizeof(word)) {
        memcpy(&word, text.data + at, sizeof(word));
        sum = (sum ^ le64toh(word)) * UINT64_C(0x100000001b3);
    }
    word = 0;
    memcpy(&word, text.data + at, text.len - at);
    sum = (sum ^ le64toh(word)) * UINT64_C(0x100000001b3);
    return sum ^ text.len;
}

/* Takes the line of the sum off text, and compares it with what follows. */
static bool take_sum(struct jwta_span *text)
{
    struct jwta_span line = {0};
    char expected[JWTA_CACHE_SUM_SIZE];

    if (!jwta_cache_take_line(text, "sum", &line))
        return false;
    (void)snprintf(expected, sizeof(expected), "%016" PRIx64, jwta_cache_sum(*text));
    return jwta_span_is(line, expected);
}

/* The body's length stands before it: a file cut short, or with something behind, is damaged. */
static bool parse_entry(struct jwta_cache_entry *entry)
{
    struct jwta_span text = jwta_buf_span(&entry->text);
    struct jwta_span none = {0};
    int64_t length = 0;

    if (!jwta_cache_take_line(&text, JWTA_CACHE_FIRST_LINE, &none) || none.data != NULL ||
        !take_sum(&text) || !jwta_cache_take_line(&text, "issuer", &entry->issuer) ||
        !jwta_cache_take_line(&text, "source", &entry->source) ||
        !jwta_cache_take_line(&text, "uri", &entry->uri) ||
        !jwta_cache_take_number(&text, "fetched", &entry->fetched) ||
        !jwta_cache_take_number(&text, "fresh", &entry->freshness) ||
        !jwta_cache_take_line(&text, "etag", &entry->etag) ||
        !jwta_cache_take_line(&text, "modified", &entry->modified) ||
        !jwta_cache_take_number(&text, "body", &length))
        return false;
    entry->body = text;
    return (uint64_t)length == text.len && entry->freshness >= JWTA_FRESHNESS_MIN &&
           entry->freshness <= JWTA_FRESHNESS_MAX;
}

enum jwta_file_status jwta_cache_read_one(const struct jwta_cache *cache, uid_t owner,
                                          const char *name, struct jwta_span issuer,
                                          struct jwta_span source, struct jwta_cache_entry *out,
                                          struct jwta_why *why)
{
    struct jwta_cache_path path;
    enum jwta_file_status status = JWTA_FILE_FAILED;

    *out = (struct jwta_cache_entry){0};
    if (!jwta_cache_path(cache, owner, name, "jwks", &path)) {
        (void)jwta_fail(why, JWTA_INTERNAL, "the path of the cache is too long");
        return JWTA_FILE_FAILED;
    }
    status = read_file(cache, owner, &path, out, why);
    if (status != JWTA_FILE_OK)
        return status;
    if (!parse_entry(out)) {
        (void)jwta_fail(why, JWTA_INTERNAL, "%s is damaged", path.text);
        jwta_cache_entry_free(out);
        return JWTA_FILE_FAILED;
    }
    if (!jwta_span_equal(out->issuer, issuer) || !jwta_span_equal(out->source, source)) {
        (void)jwta_fail(why, JWTA_INTERNAL, "%s is of another issuer", path.text);
        jwta_cache_entry_free(out);
        return JWTA_FILE_MISSING;
    }
    return JWTA_FILE_OK;
}

bool jwta_cache_newer(int64_t a, int64_t b, int64_t now)
{
    bool a_future = a > now + CLOCK_BACK;
    bool b_future = b > now + CLOCK_BACK;

    return a_future == b_future ? a > b : b_future;
}

enum jwta_file_status jwta_cache_read(const struct jwta_cache *cache, const char *name,
                                      struct jwta_span issuer, struct jwta_span source, int64_t now,
                                      struct jwta_cache_entry *out, struct jwta_why *why)
{
    struct jwta_cache_entry root = {0};
    enum jwta_file_status own =
        jwta_cache_read_one(cache, cache->writer, name, issuer, source, out, why);

    if (cache->writer == 0 ||
        jwta_cache_read_one(cache, 0, name, issuer, source, &root, NULL) != JWTA_FILE_OK)
        return own;
    if (own == JWTA_FILE_OK && !jwta_cache_newer(root.fetched, out->fetched, now)) {
        jwta_cache_entry_free(&root);
        return JWTA_FILE_OK;
    }
    jwta_cache_entry_free(out);
    *out = root;
    return JWTA_FILE_OK;
}

void jwta_cache_entry_free(struct jwta_cache_entry *entry)
{
    jwta_buf_free(&entry->text);
    *entry = (struct jwta_cache_entry){0};
}

void jwta_cache_identify(const struct jwta_cache *cache, const char *name,
                         struct jwta_cache_ids *ids)
{
    struct jwta_cache_path path;

    memset(ids, 0, sizeof(*ids));
    if (jwta_cache_path(cache, 0, name, "jwks", &path))
        identify(cache, &path, &ids->root);
    if (cache->writer != 0 && jwta_cache_path(cache, cache->writer, name, "jwks", &path))
        identify(cache, &path, &ids->own);
}
