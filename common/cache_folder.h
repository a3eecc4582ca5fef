/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the cache lies, and the directories in it that root makes for other writers. */
#ifndef JWTA_CACHE_FOLDER_H
#define JWTA_CACHE_FOLDER_H

#include "common/cache.h"
#include "common/conf.h"

/* The configured cache_dir, or its default. Borrowed from conf. */
const char *jwta_cache_directory(const struct jwta_conf *conf);

/* Makes cache_dir, in a directory that is there; false if it is there already, too. */
JWTA_MUST_USE bool jwta_cache_make_top(const char *directory);

/*
 * As root: makes the directory of the cache's writer, another than root, in cache_dir (which is
 * made, too): mode 0700 and the writer's. OK also where there is one; INSECURE where what is there
 * is no directory of the writer's own or can be written by others: it is left as it is, and so is
 * a cache_dir that others could have put it into. MISSING and FAILED where none can be made. One
 * line of detail is in why.
 */
JWTA_MUST_USE enum jwta_file_status jwta_cache_make_folder(const struct jwta_cache *cache,
                                                           struct jwta_why *why);

#endif
