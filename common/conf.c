/* SPDX-License-Identifier: BSD-2-Clause */
/* The files of a configuration, one after the other, and what a finished one is asked. */
#include "common/conf_private.h"
#include "common/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const struct jwta_service *jwta_conf_service(const struct jwta_conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->service_count; i++) {
        if (strcmp(conf->services[i].name, name) == 0)
            return &conf->services[i];
    }
    return NULL;
}

/* Files named so far; the loader's file is the last, and all `where` of its settings point to it.
 */
static bool begin_file(struct jwta_loader *loader, const char *path)
{
    struct jwta_conf *conf = loader->conf;
    char **grown = reallocarray(conf->files, conf->file_count + 1, sizeof(*grown));

    if (grown == NULL) {
        loader->code = JWTA_MEMORY;
        return false;
    }
    conf->files = grown;
    char *copy = jwta_conf_copy(loader, path, strlen(path));
    if (copy == NULL)
        return false;
    conf->files[conf->file_count++] = copy;
    loader->file = copy;
    return true;
}

/* Notes that a file or directory could not be read: the first such code becomes the result. */
static void refuse_file(struct jwta_loader *loader, enum jwta_file_status status,
                        const struct jwta_why *why)
{
    const struct jwta_where where = {.file = loader->file};
    const char *text = why->text;
    size_t len = strlen(loader->file);

    /* The detail begins with the path at fault; a problem of the file itself names it already. */
    if (strncmp(text, loader->file, len) == 0 && text[len] == ' ')
        text += len + 1;
    else if (strncmp(text, loader->file, len) == 0 && text[len] == ':')
        text += len + 2;
    jwta_conf_error(loader, where, "%s", text);
    loader->incomplete = true;
    if (loader->code == JWTA_OK)
        loader->code = status == JWTA_FILE_INSECURE ? JWTA_CONF_INSECURE : JWTA_CONF_MISSING;
}

static void parse_file(struct jwta_loader *loader, struct jwta_span text)
{
    struct jwta_where where = {.file = loader->file};
    struct jwta_node *root = NULL;
    struct jwta_why why = {0};

    enum jwta_code code = jwta_yaml_parse(text, &root, &where.line, &why);
    if (code == JWTA_OK) {
        jwta_conf_read_tree(loader, root);
    } else if (code == JWTA_MEMORY) {
        loader->code = JWTA_MEMORY;
    } else {
        jwta_conf_error(loader, where, "%s", why.text);
        loader->incomplete = true;
    }
    jwta_node_free(&root);
}

static bool load_file(struct jwta_loader *loader, const char *path, uid_t expected)
{
    struct jwta_buf text = {0};
    struct jwta_why why = {0};

    if (!begin_file(loader, path))
        return false;
    enum jwta_file_status status =
        jwta_file_read(path, JWTA_FILE_TRUSTED, expected, JWTA_CONF_MAX, &text, NULL, &why);
    if (status == JWTA_FILE_OK)
        parse_file(loader, jwta_buf_span(&text));
    else
        refuse_file(loader, status, &why);
    jwta_buf_free(&text);
    return status == JWTA_FILE_OK;
}

static bool ends_in(const char *name, const char *suffix)
{
    size_t len = strlen(name);
    size_t suffix_len = strlen(suffix);

    return name[0] != '.' && len > suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

#define OTHER_SUFFIX ".yml" /* meant to be read, and not */

static int is_snippet(const struct dirent *entry)
{
    return ends_in(entry->d_name, ".yaml") || ends_in(entry->d_name, OTHER_SUFFIX);
}

/* By bytes: alphasort(3) would ask the locale of whatever process this is. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void load_snippet(struct jwta_loader *loader, const char *directory, const char *name,
                         uid_t expected)
{
    char *path = NULL;

    if (asprintf(&path, "%s/%s", directory, name) < 0) {
        loader->code = JWTA_MEMORY;
        return;
    }
    if (ends_in(name, OTHER_SUFFIX))
        jwta_conf_warning(loader, (struct jwta_where){.file = path},
                          "is not read: the name of a file in conf.d must end in .yaml");
    else
        (void)load_file(loader, path, expected);
    free(path);
}

/* Reads every snippet of a directory, which need not exist. */
static void load_directory(struct jwta_loader *loader, const char *directory, uid_t expected)
{
    struct dirent **entries = NULL;
    struct jwta_why why = {0};
    struct stat st;
    int fd = -1;

    enum jwta_file_status status = jwta_file_open_directory(directory, expected, &fd, &why);
    /* A link to nowhere or a file of that name is no absent directory: what was meant is lost. */
    if (status == JWTA_FILE_MISSING && lstat(directory, &st) != 0 && errno == ENOENT)
        return;
    int count = status == JWTA_FILE_OK ? scandirat(fd, ".", &entries, is_snippet, by_name) : -1;
    if (status == JWTA_FILE_OK && count < 0) {
        jwta_fail(&why, JWTA_INTERNAL, "%s: %s", directory, strerror(errno));
        status = JWTA_FILE_FAILED;
    }
    if (status != JWTA_FILE_OK && begin_file(loader, directory))
        refuse_file(loader, status, &why);
    for (int i = 0; i < count; i++) {
        load_snippet(loader, directory, entries[i]->d_name, expected);
        free(entries[i]);
    }
    free(entries);
    if (fd >= 0)
        close(fd);
}

/* "conf.d" in the directory of path, or NULL. */
static char *snippets_beside(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory = NULL;

    if (asprintf(&directory, "%.*sconf.d", slash == NULL ? 0 : (int)(slash - path) + 1, path) < 0)
        return NULL;
    return directory;
}

static void load_files(struct jwta_loader *loader, const char *path, uid_t expected)
{
    char *directory = NULL;

    if (!load_file(loader, path, expected))
        return;
    directory = snippets_beside(path);
    if (directory == NULL) {
        loader->code = JWTA_MEMORY;
        return;
    }
    load_directory(loader, directory, expected);
    free(directory);
}

/* Checks what was read and hands it out, or frees it. */
static enum jwta_code finish(struct jwta_loader *loader, struct jwta_conf **out)
{
    if (!loader->incomplete && loader->code == JWTA_OK)
        jwta_conf_check(loader);
    if (loader->code == JWTA_OK && loader->errors > 0)
        loader->code = JWTA_CONF_INVALID;
    if (loader->code == JWTA_OK)
        *out = loader->conf;
    else
        jwta_conf_free(&loader->conf);
    return loader->code;
}

static bool begin(struct jwta_loader *loader, const struct jwta_host *host,
                  struct jwta_problems *problems)
{
    *loader = (struct jwta_loader){.conf = calloc(1, sizeof(struct jwta_conf)),
                                   .host = host != NULL ? host : &jwta_host_system,
                                   .problems = problems};
    return loader->conf != NULL;
}

enum jwta_code jwta_conf_load(const char *path, uid_t expected, const struct jwta_host *host,
                              struct jwta_conf **out, struct jwta_problems *problems)
{
    struct jwta_loader loader;

    if (!begin(&loader, host, problems))
        return JWTA_MEMORY;
    load_files(&loader, path, expected);
    return finish(&loader, out);
}

enum jwta_code jwta_conf_from_tree(const struct jwta_node *root, const char *file,
                                   const struct jwta_host *host, struct jwta_conf **out,
                                   struct jwta_problems *problems)
{
    struct jwta_loader loader;

    if (!begin(&loader, host, problems))
        return JWTA_MEMORY;
    if (begin_file(&loader, file))
        jwta_conf_read_tree(&loader, root);
    return finish(&loader, out);
}
