/* SPDX-License-Identifier: BSD-2-Clause */
/* What became of the attempts to fetch, and the locks of whoever fetches. */
#include "common/cache_folder.h"
#include "common/cache_private.h"
#include "common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#define STATE_MAX (192 + JWTA_CAUSE_MAX)

void jwta_cache_state_read(const struct jwta_cache *cache, const char *name,
                           struct jwta_cache_state *out)
{
    struct jwta_buf buf = {0};
    struct jwta_span text = {0};
    struct jwta_span cause = {0};
    struct jwta_cache_state read = {0};
    struct jwta_cache_path path;

    *out = (struct jwta_cache_state){0};
    if (!jwta_cache_path(cache, cache->writer, name, "state", &path) ||
        jwta_file_read(path.text, JWTA_FILE_TRUSTED, cache->writer, STATE_MAX, &buf, NULL, NULL) !=
            JWTA_FILE_OK)
        return;
    text = jwta_buf_span(&buf);
    if (jwta_cache_take_number(&text, "attempted", &read.attempted) &&
        jwta_cache_take_number(&text, "failures", &read.failures) &&
        jwta_cache_take_number(&text, "forced", &read.forced) &&
        jwta_cache_take_number(&text, "barren", &read.barren) &&
        (text.len == 0 || jwta_cache_take_line(&text, "cause", &cause))) {
        jwta_text_one_line(read.cause, sizeof(read.cause), cause);
        *out = read;
    }
    jwta_buf_free(&buf);
}

static enum jwta_file_status sweep_old(void *context, int directory, const char *temporary,
                                       struct jwta_why *why)
{
    const struct jwta_cache_sweep *sweep = context;

    (void)temporary;
    (void)why;
    jwta_cache_sweep(directory, sweep);
    return JWTA_FILE_OK;
}

bool jwta_cache_state_write(const struct jwta_cache *cache, const char *name,
                            const struct jwta_cache_state *state)
{
    char text[STATE_MAX];
    struct jwta_cache_path path;
    struct jwta_cache_sweep sweep = {.name = name};
    const struct jwta_file_gate gate = {.may_replace = sweep_old, .context = &sweep};
    int len =
        snprintf(text, sizeof(text),
                 "attempted %" PRId64 "\nfailures %" PRId64 "\nforced %" PRId64 "\nbarren %" PRId64
                 "\ncause %s\n",
                 state->attempted, state->failures, state->forced, state->barren, state->cause);

    return len > 0 && jwta_cache_path(cache, cache->writer, name, "state", &path) &&
           jwta_cache_writable(cache, NULL) == JWTA_FILE_OK &&
           jwta_file_replace(path.text, jwta_span(text, (size_t)len), 0644, &gate, NULL) ==
               JWTA_FILE_OK;
}

enum jwta_file_status jwta_cache_writable(const struct jwta_cache *cache, struct jwta_why *why)
{
    enum jwta_file_status status = JWTA_FILE_FAILED;
    char own[PATH_MAX];
    int fd = -1;
    int len = cache->writer == 0 ? snprintf(own, sizeof(own), "%s", cache->directory)
                                 : snprintf(own, sizeof(own), "%s/%lu", cache->directory,
                                            (unsigned long)cache->writer);

    if (len <= 0 || (size_t)len >= sizeof(own)) {
        (void)jwta_fail(why, JWTA_INTERNAL, "the path of the cache is too long");
        return status;
    }
    status = jwta_file_open_directory(own, cache->writer, &fd, why);
    /* Whoever clears /var/cache takes the directory with it. */
    if (status == JWTA_FILE_MISSING && cache->writer == 0 && geteuid() == 0 &&
        jwta_cache_make_top(cache->directory))
        status = jwta_file_open_directory(own, cache->writer, &fd, why);
    if (fd >= 0)
        (void)close(fd);
    return status;
}

int jwta_cache_lock(const struct jwta_cache *cache, const char *name, enum jwta_cache_turn turn)
{
    static const char *const suffixes[] = {
        [JWTA_TURN_FIRST] = "lock", [JWTA_TURN_SECOND] = "lock2"};
    struct jwta_cache_path path;
    bool busy = false;
    int fd = -1;

    if (!jwta_cache_path(cache, cache->writer, name, suffixes[turn], &path))
        return JWTA_LOCK_NONE;
    /* Not readable, so that no other uid can open it and hold it. */
    fd = open(path.text, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
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
