/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/file.h"

#include <sys/auxv.h>
#include <unistd.h>

bool jwta_between_identities(void)
{
    return getauxval(AT_SECURE) != 0 || getuid() != geteuid() || getgid() != getegid();
}

uid_t jwta_file_owner(void)
{
    return jwta_between_identities() ? 0 : geteuid();
}
