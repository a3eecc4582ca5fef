/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/site.h"

#include "tests/unit/token.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void must(bool ok, const char *what)
{
    if (!ok) {
        perror(what);
        abort();
    }
}

static const struct {
    const char *name;
    uid_t uid;
} users[] = {
    {"alice", 1001}, {"bob", 1002}, {"Carol", 1003}, {"postgres", 105},
    {"daemon", 1},   {"root", 0},   {"toor", 0},     {"noone", (uid_t)-1},
};

static const struct {
    const char *name;
    gid_t gid;
} groups[] = {
    {"root", 0}, {"adm", 4}, {"postgres", 105}, {"ops", 2001}, {"dba", 2002},
};

static enum jwta_found find_user(const struct jwta_host *host, const char *name, uid_t *uid)
{
    (void)host;
    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
        if (strcmp(users[i].name, name) == 0) {
            *uid = users[i].uid;
            return JWTA_FOUND;
        }
    }
    return strcmp(name, "flaky") == 0 ? JWTA_LOOKUP_FAILED : JWTA_NOT_FOUND;
}

static enum jwta_found find_group(const struct jwta_host *host, const char *name, gid_t *gid)
{
    (void)host;
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        if (strcmp(groups[i].name, name) == 0) {
            *gid = groups[i].gid;
            return JWTA_FOUND;
        }
    }
    return JWTA_NOT_FOUND;
}

static bool host_name(const struct jwta_host *host, char *name, size_t size)
{
    (void)host;
    return snprintf(name, size, "host.example") < (int)size;
}

const struct jwta_host test_host = {.user = find_user, .group = find_group, .name = host_name};

struct jwta_conf *test_conf(const char *text)
{
    struct jwta_problems problems = {0};
    struct jwta_node *root = NULL;
    struct jwta_conf *conf = NULL;
    struct jwta_why why = {0};
    unsigned line = 0;

    if (jwta_yaml_parse(jwta_span_of(text), &root, &line, &why) != JWTA_OK) {
        fprintf(stderr, "test configuration, line %u: %s\n", line, why.text);
        abort();
    }
    if (jwta_conf_from_tree(root, "test.yaml", &test_host, &conf, &problems) != JWTA_OK) {
        for (size_t i = 0; i < problems.count; i++)
            fprintf(stderr, "test configuration, line %u: %s\n", problems.item[i].line,
                    problems.item[i].text);
        abort();
    }
    jwta_problems_free(&problems);
    jwta_node_free(&root);
    return conf;
}

const struct jwta_issuer *test_issuer(const struct jwta_conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->issuer_count; i++) {
        if (strcmp(conf->issuers[i].name, name) == 0)
            return &conf->issuers[i];
    }
    must(false, "test_issuer");
    return NULL;
}

char *test_folder(void)
{
    char *folder = test_format("/tmp/jwtauth-test-XXXXXX");

    must(mkdtemp(folder) != NULL, "mkdtemp");
    return folder;
}

void test_folder_remove(char **folder)
{
    DIR *listing = *folder != NULL ? opendir(*folder) : NULL;
    const struct dirent *entry = NULL;

    while (listing != NULL && (entry = readdir(listing)) != NULL)
        (void)unlinkat(dirfd(listing), entry->d_name, 0);
    if (listing != NULL) {
        (void)closedir(listing);
        must(rmdir(*folder) == 0, "rmdir");
    }
    free(*folder);
    *folder = NULL;
}

char *test_write(const char *folder, const char *name, const char *text, mode_t mode)
{
    char *path = test_format("%s/%s", folder, name);
    int fd = -1;

    (void)unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    must(fd >= 0, path);
    must(write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
    must(fchmod(fd, mode) == 0, path);
    must(close(fd) == 0, path);
    return path;
}

struct jwta_verifier *test_verifier(const char *text, const struct jwta_log *log)
{
    const struct jwta_verifier_options options = {
        .expected = geteuid(), .host = &test_host, .log = log};
    struct jwta_conf *conf = test_conf(text);
    struct jwta_verifier *verifier = NULL;

    must(jwta_verifier_from_conf(&conf, &options, JWTA_FILE_TRUSTED, &verifier) == JWTA_OK,
         "jwta_verifier_from_conf");
    return verifier;
}
