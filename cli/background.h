/* SPDX-License-Identifier: BSD-2-Clause */
/* Leaving a login: what `jwtauth keys refresh` is started by may be anybody's. */
#ifndef JWTA_CLI_BACKGROUND_H
#define JWTA_CLI_BACKGROUND_H

#include <stdbool.h>

/*
 * Goes on in a child with a session of its own, seconds at most, while the first process exits at
 * once. With any of root's rights it is root wholly before that, whom no user may signal, stop or
 * trace, and has limits, scheduling and umask of its own, and as far as the system lets it no
 * cgroup but the root, instead of those that whoever started a setuid program chose. false: give
 * up, as between two users neither of whom is root.
 */
bool background_enter(unsigned seconds);

#endif
