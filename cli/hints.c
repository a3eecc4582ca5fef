/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/hints.h"

#include "common/conf_nearest.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where Linux-PAM looks for a service's file. */
static const char *const folders[] = {"/etc/pam.d", "/usr/lib/pam.d"};

#define FOLDERS (sizeof(folders) / sizeof(folders[0]))

/* What servers call themselves to libsasl. Some of them have a file in /etc/pam.d, too. */
static const char *const of_sasl[] = {"imap", "ldap", "lmtp",  "mupdate", "nntp",
                                      "pop",  "pop3", "sieve", "smtp",    "xmpp"};

static bool is_of_sasl(const char *service)
{
    for (size_t i = 0; i < sizeof(of_sasl) / sizeof(of_sasl[0]); i++) {
        if (strcmp(of_sasl[i], service) == 0)
            return true;
    }
    return false;
}

static bool has_file(const char *service)
{
    char path[PATH_MAX];

    for (size_t i = 0; i < FOLDERS; i++) {
        int len = snprintf(path, sizeof(path), "%s/%s", folders[i], service);

        if (len > 0 && (size_t)len < sizeof(path) && access(path, F_OK) == 0)
            return true;
    }
    return false;
}

static void print_hint(const struct jwta_service *service)
{
    struct jwta_nearest nearest = jwta_nearest_to(service->name);
    struct dirent **entries[FOLDERS] = {NULL};
    int count[FOLDERS] = {0};

    for (size_t i = 0; i < FOLDERS; i++) {
        count[i] = scandir(folders[i], &entries[i], NULL, NULL);
        for (int j = 0; j < count[i]; j++)
            jwta_nearest_offer(&nearest, entries[i][j]->d_name);
    }
    if (nearest.best != NULL)
        (void)printf("%s:%u: hint: service \"%s\" has no file in /etc/pam.d%s (a service of SASL "
                     "needs none)\n",
                     service->where.file, service->where.line, service->name,
                     jwta_nearest_hint(&nearest));
    for (size_t i = 0; i < FOLDERS; i++) {
        for (int j = 0; j < count[i]; j++)
            free(entries[i][j]);
        free(entries[i]);
    }
}

void hints_print(const struct jwta_conf *conf)
{
    for (size_t i = 0; i < conf->service_count; i++) {
        if (!is_of_sasl(conf->services[i].name) && !has_file(conf->services[i].name))
            print_hint(&conf->services[i]);
    }
}
