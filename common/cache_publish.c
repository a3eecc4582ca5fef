/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Publishing a key set. Two writers may be at it, for a lock may be given up for lost while its
 * holder is only stopped; then the later request must win, whenever the earlier one goes on. So a
 * writer makes its temporary file, then looks whether a later one was faster, then unlinks all
 * temporary files but its own and takes the place, and unlinks them again. Whoever looked before
 * that and goes on after it has no file to rename; whoever looks after it sees the newer set.
 */
#include "common/cache_private.h"
#include "common/fetch.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LEFT_BEHIND 60      /* seconds after which nobody writes a temporary file any more */
#define TEMPORARY_DIGITS 16 /* of the random name that file_write.c gives it */
#define TRIES 4             /* when writers unlink each other's files */

/* Milliseconds after which a request is given up for lost. */
#define LATE_MS (INT64_C(1000) * (JWTA_FETCH_DEADLINE + 5))

/* ------------------------------------------------------------------ temporary files */

/* Whether a file's name is that of a temporary one for NAME.SUFFIX. */
static bool is_temporary(const char *file, const char *name, const char *suffix)
{
    size_t len = strlen(name);
    size_t more = strlen(suffix);

    return file[0] == '.' && strncmp(file + 1, name, len) == 0 && file[1 + len] == '.' &&
           strncmp(file + 2 + len, suffix, more) == 0 && file[2 + len + more] == '.' &&
           strlen(file + 3 + len + more) == TEMPORARY_DIGITS;
}

static bool is_old(int directory, const char *file, time_t now)
{
    struct stat st;

    return fstatat(directory, file, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           (st.st_mtim.tv_sec < now - LEFT_BEHIND || st.st_mtim.tv_sec > now + LEFT_BEHIND);
}

void jwta_cache_sweep(int directory, const struct jwta_cache_sweep *sweep)
{
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry = NULL;
    time_t now = time(NULL);

    if (listing == NULL) {
        if (fd >= 0)
            (void)close(fd);
        return;
    }
    while ((entry = readdir(listing)) != NULL) {
        const char *file = entry->d_name;
        bool of_keys = is_temporary(file, sweep->name, "jwks");

        if (sweep->kept != NULL && strcmp(file, sweep->kept) == 0)
            continue;
        if ((of_keys && sweep->all) ||
            ((of_keys || is_temporary(file, sweep->name, "state")) && is_old(fd, file, now)))
            (void)unlinkat(fd, file, 0);
    }
    (void)closedir(listing);
}

/* ------------------------------------------------------------------ the text */

/* A value that is to stand on one line; one that would not is left out. */
static struct jwta_span one_line(struct jwta_span value)
{
    for (size_t i = 0; i < value.len; i++) {
        if ((unsigned char)value.data[i] < 0x20)
            return jwta_span("", 0);
    }
    return value.data != NULL ? value : jwta_span("", 0);
}

/* Everything that the sum is of. */
static enum jwta_code write_entry(const struct jwta_cache_entry *entry, struct jwta_buf *out)
{
    struct jwta_span etag = one_line(entry->etag);
    struct jwta_span modified = one_line(entry->modified);
    struct jwta_span uri = one_line(entry->uri);
    char *head = NULL;
    enum jwta_code code = JWTA_MEMORY;
    int len = asprintf(&head,
                       "issuer %.*s\nsource %.*s\nuri %.*s\nfetched %" PRId64 "\nfresh %" PRId64
                       "\netag %.*s\nmodified %.*s\nbody %zu\n",
                       (int)entry->issuer.len, entry->issuer.data, (int)entry->source.len,
                       entry->source.data, (int)uri.len, uri.data, entry->fetched, entry->freshness,
                       (int)etag.len, etag.data, (int)modified.len, modified.data, entry->body.len);

    if (len < 0)
        return code;
    code = jwta_buf_append(out, jwta_span(head, (size_t)len));
    if (code == JWTA_OK)
        code = jwta_buf_append(out, entry->body);
    free(head);
    return code;
}

/* The whole file. */
static enum jwta_code write_text(const struct jwta_cache_entry *entry, struct jwta_buf *text)
{
    char head[sizeof(JWTA_CACHE_FIRST_LINE "\nsum \n") + JWTA_CACHE_SUM_SIZE];
    struct jwta_buf rest = {0};
    enum jwta_code code = write_entry(entry, &rest);

    (void)snprintf(head, sizeof(head), JWTA_CACHE_FIRST_LINE "\nsum %016" PRIx64 "\n",
                   jwta_cache_sum(jwta_buf_span(&rest)));
    if (code == JWTA_OK)
        code = jwta_buf_append(text, jwta_span_of(head));
    if (code == JWTA_OK)
        code = jwta_buf_append(text, jwta_buf_span(&rest));
    jwta_buf_free(&rest);
    return code;
}

/* ------------------------------------------------------------------ its place */

struct publication {
    const struct jwta_cache *cache;
    const char *name;
    const struct jwta_cache_entry *entry;
    const struct jwta_cache_request *request; /* or NULL */
    struct jwta_cache_path path;
    bool outdone; /* a later request was faster */
    bool cleared; /* nothing but another writer can have taken the temporary file */
};

/* What the writer's file holds compared with the entry: later, or earlier (or nothing). */
enum compared { COMPARED_EARLIER, COMPARED_SAME, COMPARED_LATER };

static enum compared compare(const struct publication *p)
{
    const struct jwta_cache_entry *entry = p->entry;
    struct jwta_cache_entry there = {0};
    enum compared result = COMPARED_EARLIER;
    int64_t now = (int64_t)time(NULL);

    now = now > entry->fetched ? now : entry->fetched;
    if (jwta_cache_read_one(p->cache, p->cache->writer, p->name, entry->issuer, entry->source,
                            &there, NULL) == JWTA_FILE_OK) {
        if (jwta_cache_newer(there.fetched, entry->fetched, now))
            result = COMPARED_LATER;
        else if (there.fetched == entry->fetched)
            result = COMPARED_SAME;
    }
    jwta_cache_entry_free(&there);
    return result;
}

/* Whether somebody has published since the request began, by a request that began later. */
static bool is_outdone(const struct publication *p)
{
    struct jwta_cache_ids now;
    const struct jwta_cache_ids *before = &p->request->before;

    jwta_cache_identify(p->cache, p->name, &now);
    return !(jwta_file_same(&now.root, &before->root) && jwta_file_same(&now.own, &before->own)) &&
           compare(p) == COMPARED_LATER;
}

static enum jwta_file_status may_replace(void *context, int directory, const char *temporary,
                                         struct jwta_why *why)
{
    struct publication *p = context;

    p->outdone = p->request != NULL && is_outdone(p);
    if (p->outdone)
        return JWTA_FILE_FAILED;
    if (p->request != NULL && jwta_monotonic_ms() - p->request->began > LATE_MS) {
        (void)jwta_fail(why, JWTA_INTERNAL, "%s: what was fetched is too late to be kept",
                        p->path.text);
        return JWTA_FILE_FAILED;
    }
    jwta_cache_sweep(directory,
                     &(struct jwta_cache_sweep){.name = p->name, .all = true, .kept = temporary});
    p->cleared = true;
    return JWTA_FILE_OK;
}

static void replaced(void *context, int directory)
{
    const struct publication *p = context;

    jwta_cache_sweep(directory, &(struct jwta_cache_sweep){.name = p->name, .all = true});
}

/* Once; *again: two writers have met, and what there is may be the earlier one's. */
static enum jwta_file_status publish(struct publication *p, struct jwta_span text, bool *again,
                                     struct jwta_why *why)
{
    const struct jwta_file_gate gate = {
        .may_replace = may_replace, .replaced = replaced, .context = p};
    enum jwta_file_status status = JWTA_FILE_OK;

    p->cleared = false;
    status = jwta_file_replace(p->path.text, text, 0644, &gate, why);
    if (p->outdone)
        return JWTA_FILE_OK;
    *again = p->request != NULL && ((status == JWTA_FILE_MISSING && p->cleared) ||
                                    (status == JWTA_FILE_OK && compare(p) == COMPARED_EARLIER));
    return status;
}

enum jwta_file_status jwta_cache_write(const struct jwta_cache *cache, const char *name,
                                       const struct jwta_cache_entry *entry,
                                       const struct jwta_cache_request *request,
                                       struct jwta_why *why)
{
    struct publication p = {.cache = cache, .name = name, .entry = entry, .request = request};
    struct jwta_buf text = {0};
    enum jwta_file_status status = JWTA_FILE_FAILED;
    bool again = true;

    if (write_text(entry, &text) != JWTA_OK)
        (void)jwta_fail(why, JWTA_INTERNAL, "out of memory");
    else if (text.len > JWTA_CACHE_FILE_MAX)
        (void)jwta_fail(why, JWTA_INTERNAL, "the keys are too many for the cache");
    else if (!jwta_cache_path(cache, cache->writer, name, "jwks", &p.path))
        (void)jwta_fail(why, JWTA_INTERNAL, "the path of the cache is too long");
    else
        status = jwta_cache_writable(cache, why);
    for (int tries = 0; status == JWTA_FILE_OK && again && tries < TRIES; tries++) {
        again = false;
        status = publish(&p, jwta_buf_span(&text), &again, why);
        if (again)
            status = JWTA_FILE_OK;
    }
    jwta_buf_free(&text);
    return status;
}
