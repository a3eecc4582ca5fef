/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/file.h"

#include <sys/auxv.h>
#include <unistd.h>

bool jwta_between_identities(void)
{
    return getauxval(AT_SECURE) != 0 || getuid() != geteuid() || getgid() != getegid();
}

bool jwta_between_users(void)
{
    uid_t real = 0;
    uid_t effective = 0;
    uid_t saved = 0;

    if (getresuid(&real, &effective, &saved) != 0)
        return true;
    return (real != effective || effective != saved) && real != 0 && effective != 0 && saved != 0;
}

uid_t jwta_file_owner(void)
{
    return jwta_between_identities() ? 0 : geteuid();
}
