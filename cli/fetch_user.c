/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/fetch_user.h"

#include "common/fetch.h"
#include "common/file.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <openssl/pem.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define AUTHORITIES_MAX (8 * 1024 * 1024) /* bytes; Debian's list of all has 0.2 of them */

/* ------------------------------------------------------------------ as whoever this is */

static bool has_certificate(struct jwta_span text)
{
    BIO *bio = BIO_new_mem_buf(text.data, (int)text.len);
    X509 *certificate = bio != NULL ? PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL) : NULL;
    bool found = certificate != NULL;

    X509_free(certificate);
    BIO_free(bio);
    return found;
}

/* One without which no server of the issuer can be believed. */
static void try_authorities(const struct jwta_issuer *issuer, struct findings *findings)
{
    const struct jwta_string *file = &issuer->ca_file;
    struct jwta_buf text = {0};
    struct jwta_why why = {0};

    if (jwta_file_read(file->text, JWTA_FILE_ANY, 0, AUTHORITIES_MAX, &text, NULL, &why) ==
            JWTA_FILE_OK &&
        !has_certificate(jwta_buf_span(&text)))
        (void)jwta_fail(&why, JWTA_INTERNAL, "%s has no certificate in PEM", file->text);
    jwta_buf_free(&text);
    if (why.text[0] == '\0')
        return;
    (void)printf("%s:%u: error: issuer %s: \"ca_file\": %s (tried as user %lu)\n", file->where.file,
                 file->where.line, issuer->name, why.text, (unsigned long)geteuid());
    findings->errors++;
}

static void try_all_authorities(const struct jwta_conf *conf, struct findings *findings)
{
    for (size_t i = 0; i < conf->issuer_count; i++) {
        if (conf->issuers[i].jwks.kind != JWTA_JWKS_FILE && conf->issuers[i].ca_file.text != NULL)
            try_authorities(&conf->issuers[i], findings);
    }
}

/* ------------------------------------------------------------------ as root, by trying */

/* The configuration as the helper would load it. Whatever is wrong was no error for root. */
static void try_configuration(const char *path, const char *user, struct findings *findings)
{
    struct jwta_problems problems = {0};
    struct jwta_conf *conf = NULL;

    (void)!jwta_conf_load(path, 0, &jwta_host_system, &conf, &problems);
    for (size_t i = 0; i < problems.count; i++) {
        if (!problems.item[i].error)
            continue;
        (void)printf("%s: error: the user %s, as whom keys are fetched, cannot read this: %s\n",
                     problems.item[i].file, user, problems.item[i].text);
        findings->errors++;
    }
    jwta_conf_free(&conf);
    jwta_problems_free(&problems);
}

/* What the helper itself would refuse, in words that follow the user's name; NULL: nothing. */
static const char *fault_of(const struct passwd *user)
{
    if (user == NULL)
        return "does not exist; jwtauth-fetch(8) says how to make it";
    if (user->pw_uid == 0 || user->pw_gid == 0)
        return "is root or has its group";
    return NULL;
}

static bool become(const struct passwd *user)
{
    return setgroups(0, NULL) == 0 && setresgid(user->pw_gid, user->pw_gid, user->pw_gid) == 0 &&
           setresuid(user->pw_uid, user->pw_uid, user->pw_uid) == 0;
}

/* A child tries, prints what it finds, and says how much that was; it never returns. */
static void try_in_child(const char *path, const struct jwta_conf *conf, const struct passwd *user,
                         int report)
{
    struct findings findings = {0};
    bool tried = become(user);

    if (tried) {
        try_configuration(path, user->pw_name, &findings);
        try_all_authorities(conf, &findings);
    }
    tried = fflush(stdout) == 0 && tried &&
            write(report, &findings, sizeof(findings)) == (ssize_t)sizeof(findings);
    _exit(tried ? 0 : 1);
}

/* false: it could not be tried. */
static bool try_as(const char *path, const struct jwta_conf *conf, const struct passwd *user,
                   struct findings *findings)
{
    struct findings found = {0};
    ssize_t got = -1;
    int report[2] = {-1, -1};
    pid_t child = -1;

    /* What is buffered must not be printed twice. */
    if (fflush(stdout) != 0 || pipe(report) != 0)
        return false;
    child = fork();
    if (child == 0)
        try_in_child(path, conf, user, report[1]);
    (void)close(report[1]);
    if (child > 0) {
        do {
            got = read(report[0], &found, sizeof(found));
        } while (got < 0 && errno == EINTR);
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    (void)close(report[0]);
    if (got != (ssize_t)sizeof(found))
        return false;
    findings->errors += found.errors;
    findings->warnings += found.warnings;
    return true;
}

static void check_as_root(const char *path, const struct jwta_conf *conf, const char *name,
                          struct findings *findings)
{
    const struct passwd *user = getpwnam(name);
    const char *fault = fault_of(user);

    if (fault == NULL && !try_as(path, conf, user, findings))
        fault = "could not be become";
    if (fault == NULL)
        return;
    (void)printf("%s: error: the user %s, as whom keys are fetched, %s\n", conf->files[0], name,
                 fault);
    findings->errors++;
}

/* ------------------------------------------------------------------ as another, by modes */

/* The rights of a user, who is in no group but his first, to what st is of: bits as of others. */
static mode_t rights_of(const struct passwd *user, const struct stat *st)
{
    if (st->st_uid == user->pw_uid)
        return st->st_mode >> 6 & 7;
    return (st->st_gid == user->pw_gid ? st->st_mode >> 3 : st->st_mode) & 7;
}

/* Whether the modes of a file, and of each folder on the way to it, let the user read it. */
static bool may_read(const struct passwd *user, const char *path)
{
    char name[PATH_MAX];
    struct stat st;

    if (snprintf(name, sizeof(name), "%s", path) >= (int)sizeof(name))
        return false;
    for (char *slash = strchr(name + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (stat(name, &st) == 0 && (rights_of(user, &st) & S_IXOTH) == 0)
            return false;
        *slash = '/';
    }
    /* What the caller cannot see is found wrong elsewhere. */
    return stat(name, &st) != 0 || (rights_of(user, &st) & S_IROTH) != 0;
}

static void check_mode(const struct passwd *user, const char *path, struct findings *findings)
{
    char whole[PATH_MAX];

    if (realpath(path, whole) == NULL || may_read(user, whole))
        return;
    (void)printf("%s: warning: the user %s cannot read this, so programs of root fetch no keys\n",
                 path, user->pw_name);
    findings->warnings++;
}

/* Only root's configuration is read by programs of root. */
static void check_modes(const struct jwta_conf *conf, const struct passwd *user,
                        struct findings *findings)
{
    struct stat st;

    if (user == NULL || stat(conf->files[0], &st) != 0 || st.st_uid != 0)
        return;
    for (size_t i = 0; i < conf->file_count; i++)
        check_mode(user, conf->files[i], findings);
    for (size_t i = 0; i < conf->issuer_count; i++) {
        if (conf->issuers[i].jwks.kind != JWTA_JWKS_FILE && conf->issuers[i].ca_file.text != NULL)
            check_mode(user, conf->issuers[i].ca_file.text, findings);
    }
}

void fetch_user_check(const char *path, const struct jwta_conf *conf, struct findings *findings)
{
    const char *name = jwta_fetch_installed.user;
    bool fetches = false;

    for (size_t i = 0; i < conf->issuer_count; i++)
        fetches = fetches || conf->issuers[i].jwks.kind != JWTA_JWKS_FILE;
    if (!fetches)
        return;
    if (geteuid() == 0) {
        check_as_root(path, conf, name, findings);
        return;
    }
    try_all_authorities(conf, findings);
    check_modes(conf, getpwnam(name), findings);
}
