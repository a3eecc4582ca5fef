/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/cache.h"

#include "common/cache_folder.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FIRST_LINE "jwtauth-cache 2"
#define STATE_MAX 512
#define SUM_SIZE 17         /* 16 hexadecimal digits and a NUL */
#define CLOCK_BACK 60       /* seconds that clocks may differ by */
#define LEFT_BEHIND 60      /* seconds after which nobody writes a temporary file any more */
#define TEMPORARY_DIGITS 16 /* of the random name that file_write.c gives it */

struct path {
    char text[PATH_MAX];
};

/* The writer's file of this kind, or root's. */
static bool make_path(const struct jwta_cache *cache, uid_t owner, const char *name,
                      const char *suffix, struct path *path)
{
    int len = owner == 0 ? snprintf(path->text, sizeof(path->text), "%s/%s.%s", cache->directory,
                                    name, suffix)
                         : snprintf(path->text, sizeof(path->text), "%s/%lu/%s.%s",
                                    cache->directory, (unsigned long)owner, name, suffix);

    return len > 0 && (size_t)len < sizeof(path->text);
}

/* A pinned cache's name for what a path in it names. */
static struct jwta_pinned_file pinned(const struct jwta_cache *cache, const struct path *path)
{
    return (struct jwta_pinned_file){
        .pin = cache->pin, .name = path->text + strlen(cache->directory) + 1, .path = path->text};
}

static enum jwta_file_status read_file(const struct jwta_cache *cache, uid_t owner,
                                       const struct path *path, struct jwta_cache_entry *out,
                                       struct jwta_why *why)
{
    const struct jwta_pinned_file file = pinned(cache, path);

    if (cache->pin != NULL)
        return jwta_pin_read(&file, JWTA_FILE_TRUSTED, owner, JWTA_CACHE_FILE_MAX, &out->text,
                             &out->id, why);
    return jwta_file_read(path->text, JWTA_FILE_TRUSTED, owner, JWTA_CACHE_FILE_MAX, &out->text,
                          &out->id, why);
}

static void identify(const struct jwta_cache *cache, const struct path *path,
                     struct jwta_file_id *id)
{
    const struct jwta_pinned_file file = pinned(cache, path);

    if (cache->pin != NULL)
        (void)jwta_pin_identify(&file, id);
    else
        (void)jwta_file_identify(path->text, id);
}

/* ------------------------------------------------------------------ entries */

/* Takes the line "KEY VALUE\n" off text; false if it does not begin so. An empty value is absent.
 */
static bool take_line(struct jwta_span *text, const char *key, struct jwta_span *value)
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

static bool take_number(struct jwta_span *text, const char *key, int64_t *out)
{
    struct jwta_span digits = {0};
    int64_t value = 0;

    if (!take_line(text, key, &digits) || digits.len == 0 || digits.len > 15)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return false;
        value = value * 10 + (digits.data[i] - '0');
    }
    *out = value;
    return true;
}

/*
 * What a disk may have done to a file shows in this sum (FNV-1a's steps on words of 64 bits, which
 * takes 0.2 ns a byte; each step is a bijection, so that no single changed word goes unseen). It
 * keeps nobody out: for that there are owners and modes.
 */
static uint64_t sum_of(struct jwta_span text)
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
    char expected[SUM_SIZE];

    if (!take_line(text, "sum", &line))
        return false;
    (void)snprintf(expected, sizeof(expected), "%016" PRIx64, sum_of(*text));
    return jwta_span_is(line, expected);
}

/* The body's length stands before it: a file cut short, or with something behind, is damaged. */
static bool parse_entry(struct jwta_cache_entry *entry)
{
    struct jwta_span text = jwta_buf_span(&entry->text);
    struct jwta_span none = {0};
    int64_t length = 0;

    if (!take_line(&text, FIRST_LINE, &none) || none.data != NULL || !take_sum(&text) ||
        !take_line(&text, "issuer", &entry->issuer) ||
        !take_line(&text, "source", &entry->source) || !take_line(&text, "uri", &entry->uri) ||
        !take_number(&text, "fetched", &entry->fetched) ||
        !take_number(&text, "fresh", &entry->freshness) ||
        !take_line(&text, "etag", &entry->etag) ||
        !take_line(&text, "modified", &entry->modified) || !take_number(&text, "body", &length))
        return false;
    entry->body = text;
    return (uint64_t)length == text.len;
}

static enum jwta_file_status read_entry(const struct jwta_cache *cache, uid_t owner,
                                        const char *name, struct jwta_span issuer,
                                        struct jwta_span source, struct jwta_cache_entry *out,
                                        struct jwta_why *why)
{
    struct path path;
    enum jwta_file_status status = JWTA_FILE_FAILED;

    *out = (struct jwta_cache_entry){0};
    if (!make_path(cache, owner, name, "jwks", &path)) {
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
    enum jwta_file_status own = read_entry(cache, cache->writer, name, issuer, source, out, why);

    if (cache->writer == 0 ||
        read_entry(cache, 0, name, issuer, source, &root, NULL) != JWTA_FILE_OK)
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
    struct path path;

    memset(ids, 0, sizeof(*ids));
    if (make_path(cache, 0, name, "jwks", &path))
        identify(cache, &path, &ids->root);
    if (cache->writer != 0 && make_path(cache, cache->writer, name, "jwks", &path))
        identify(cache, &path, &ids->own);
}

/* A value that is to stand on one line; one that would not is left out. */
static struct jwta_span one_line(struct jwta_span value)
{
    for (size_t i = 0; i < value.len; i++) {
        if ((unsigned char)value.data[i] < 0x20)
            return jwta_span("", 0);
    }
    return value.data != NULL ? value : jwta_span("", 0);
}

/* Whether a name in the cache is a temporary file of this one. */
static bool is_temporary(const char *entry, const char *name)
{
    size_t len = strlen(name);

    return entry[0] == '.' && strncmp(entry + 1, name, len) == 0 && entry[1 + len] == '.' &&
           strlen(entry + 2 + len) == TEMPORARY_DIGITS;
}

/* A writer that was killed leaves its temporary file behind. */
static void sweep(const char *path)
{
    char directory[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const struct dirent *entry = NULL;
    struct timespec now = {0};
    struct stat st;
    DIR *listing = NULL;

    (void)snprintf(directory, sizeof(directory), "%.*s", (int)(slash - path), path);
    listing = opendir(directory);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    while (listing != NULL && (entry = readdir(listing)) != NULL) {
        if (is_temporary(entry->d_name, slash + 1) &&
            fstatat(dirfd(listing), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            (st.st_mtim.tv_sec < now.tv_sec - LEFT_BEHIND || st.st_mtim.tv_sec > now.tv_sec))
            (void)unlinkat(dirfd(listing), entry->d_name, 0);
    }
    if (listing != NULL)
        (void)closedir(listing);
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

enum jwta_file_status jwta_cache_write(const struct jwta_cache *cache, const char *name,
                                       const struct jwta_cache_entry *entry, struct jwta_why *why)
{
    struct jwta_buf rest = {0};
    struct jwta_buf text = {0};
    struct path path;
    char head[sizeof(FIRST_LINE "\nsum \n") + SUM_SIZE];
    enum jwta_file_status status = JWTA_FILE_FAILED;
    enum jwta_code code = write_entry(entry, &rest);

    (void)snprintf(head, sizeof(head), FIRST_LINE "\nsum %016" PRIx64 "\n",
                   sum_of(jwta_buf_span(&rest)));
    if (code == JWTA_OK)
        code = jwta_buf_append(&text, jwta_span_of(head));
    if (code == JWTA_OK)
        code = jwta_buf_append(&text, jwta_buf_span(&rest));
    if (code != JWTA_OK)
        (void)jwta_fail(why, JWTA_INTERNAL, "out of memory");
    else if (text.len > JWTA_CACHE_FILE_MAX)
        (void)jwta_fail(why, JWTA_INTERNAL, "the keys are too many for the cache");
    else if (!make_path(cache, cache->writer, name, "jwks", &path))
        (void)jwta_fail(why, JWTA_INTERNAL, "the path of the cache is too long");
    else
        status = jwta_file_write(path.text, jwta_buf_span(&text), 0644, why);
    if (status == JWTA_FILE_OK)
        sweep(path.text);
    jwta_buf_free(&rest);
    jwta_buf_free(&text);
    return status;
}

/* ------------------------------------------------------------------ state and lock */

void jwta_cache_state_read(const struct jwta_cache *cache, const char *name,
                           struct jwta_cache_state *out)
{
    struct jwta_buf buf = {0};
    struct jwta_span text = {0};
    struct jwta_cache_state read = {0};
    struct path path;

    *out = (struct jwta_cache_state){0};
    if (!make_path(cache, cache->writer, name, "state", &path) ||
        jwta_file_read(path.text, JWTA_FILE_TRUSTED, cache->writer, STATE_MAX, &buf, NULL, NULL) !=
            JWTA_FILE_OK)
        return;
    text = jwta_buf_span(&buf);
    if (take_number(&text, "attempted", &read.attempted) &&
        take_number(&text, "failures", &read.failures) &&
        take_number(&text, "forced", &read.forced) && take_number(&text, "barren", &read.barren))
        *out = read;
    jwta_buf_free(&buf);
}

bool jwta_cache_state_write(const struct jwta_cache *cache, const char *name,
                            const struct jwta_cache_state *state)
{
    char text[STATE_MAX];
    struct path path;
    int len = snprintf(text, sizeof(text),
                       "attempted %" PRId64 "\nfailures %" PRId64 "\nforced %" PRId64
                       "\nbarren %" PRId64 "\n",
                       state->attempted, state->failures, state->forced, state->barren);

    return len > 0 && make_path(cache, cache->writer, name, "state", &path) &&
           jwta_file_write(path.text, jwta_span(text, (size_t)len), 0644, NULL) == JWTA_FILE_OK;
}

/* Not readable, so that no other uid can open it and hold it. */
static int open_lock(const char *path)
{
    return open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
}

int jwta_cache_lock(const struct jwta_cache *cache, const char *name)
{
    struct path path;
    bool busy = false;
    int fd = -1;

    if (!make_path(cache, cache->writer, name, "lock", &path))
        return JWTA_LOCK_NONE;
    fd = open_lock(path.text);
    /* Whoever clears /var/cache takes the directory with it. */
    if (fd < 0 && errno == ENOENT && cache->writer == 0 && geteuid() == 0 &&
        jwta_cache_make_top(cache->directory))
        fd = open_lock(path.text);
    if (fd < 0)
        return JWTA_LOCK_NONE;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    busy = errno == EWOULDBLOCK;
    (void)close(fd);
    return busy ? JWTA_LOCK_BUSY : JWTA_LOCK_NONE;
}

void jwta_cache_unlock(int lock)
{
    if (lock < 0)
        return;
    /* A process that another thread has just forked has the descriptor, too. */
    (void)flock(lock, LOCK_UN);
    (void)close(lock);
}
