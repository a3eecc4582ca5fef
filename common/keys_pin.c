/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys for a process that gives something up after it was started: its root directory (chroot), so
 * that paths lead elsewhere, or its user, so that it reads and writes as another.
 */
#include "common/cache_folder.h"
#include "common/keys_private.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct jwta_root this_root(void)
{
    struct jwta_root root = {0};
    struct stat st;

    if (stat("/", &st) == 0)
        root = (struct jwta_root){.known = true, .dev = st.st_dev, .ino = st.st_ino};
    return root;
}

static void say_unpinned(const struct jwta_keys *keys, const struct jwta_why *why)
{
    jwta_log(keys->options.log, JWTA_LOG_DEBUG, "%s; a process in a jail keeps to the keys of now",
             why->text);
}

/* Pins the directory of a key file. */
static void pin_parent(const struct jwta_keys *keys, const char *path, struct jwta_pin *pin)
{
    const char *slash = strrchr(path, '/');
    struct jwta_why why = {.text = "out of memory"};
    char *directory = NULL;

    if (slash == NULL)
        return;
    directory = strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (directory == NULL ||
        jwta_pin_open(directory, keys->options.expected, pin, &why) != JWTA_FILE_OK)
        say_unpinned(keys, &why);
    free(directory);
}

/* Root makes the directory where there is none yet: nobody in a jail could see it made later. */
static void pin_cache(struct jwta_keys *keys)
{
    const char *directory = keys->cache.directory;
    struct jwta_why why = {0};
    enum jwta_file_status status =
        jwta_pin_open(directory, keys->options.expected, &keys->pin, &why);

    if (status == JWTA_FILE_MISSING && jwta_cache_make_top(directory))
        status = jwta_pin_open(directory, keys->options.expected, &keys->pin, &why);
    if (status != JWTA_FILE_OK)
        say_unpinned(keys, &why);
}

void jwta_keys_pin(struct jwta_keys *keys)
{
    bool remote = false;

    keys->root = this_root();
    keys->euid = geteuid();
    /* No other can enter a jail later. */
    if (keys->euid != 0)
        return;
    for (size_t i = 0; i < keys->conf->issuer_count; i++) {
        const struct jwta_jwks *jwks = &keys->conf->issuers[i].jwks;

        if (jwks->kind == JWTA_JWKS_FILE)
            pin_parent(keys, jwks->place, &keys->source[i].pin);
        else
            remote = true;
    }
    if (remote)
        pin_cache(keys);
}

void jwta_keys_unpin(struct jwta_keys *keys)
{
    for (size_t i = 0; i < keys->conf->issuer_count; i++)
        jwta_pin_close(&keys->source[i].pin);
    jwta_pin_close(&keys->pin);
}

bool jwta_keys_jailed(const struct jwta_keys *keys)
{
    struct jwta_root root = {0};

    if (!keys->options.pinned)
        return false;
    root = this_root();
    /* Where nobody can say, paths are not to be relied on. */
    return !root.known || !keys->root.known || root.dev != keys->root.dev ||
           root.ino != keys->root.ino;
}

bool jwta_keys_became_another(const struct jwta_keys *keys)
{
    return keys->options.pinned && geteuid() != keys->euid;
}

/*
 * Who writes the cache: the user that the process has become. In a jail nobody does, and only
 * root's part of it counts: what a user keeps there, any process of his may have made.
 */
static uid_t cache_writer(const struct jwta_keys *keys, bool jailed)
{
    if (jailed)
        return 0;
    return jwta_keys_became_another(keys) ? jwta_file_owner() : keys->options.expected;
}

struct jwta_cache jwta_keys_cache(const struct jwta_keys *keys)
{
    struct jwta_cache cache = keys->cache;
    bool jailed = jwta_keys_jailed(keys);

    cache.writer = cache_writer(keys, jailed);
    cache.pin = jailed ? &keys->pin : NULL;
    return cache;
}
