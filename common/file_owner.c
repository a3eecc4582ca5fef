/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/file.h"

#include <sys/auxv.h>
#include <unistd.h>

uid_t jwta_file_owner(void)
{
    if (getauxval(AT_SECURE) != 0 || getuid() != geteuid() || getgid() != getegid())
        return 0;
    return geteuid();
}
