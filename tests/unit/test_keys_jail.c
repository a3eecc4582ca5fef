/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a pinned verifier leaves in a process in a jail, for whoever gets hold of that process: a
 * view of keys, and no way out. And what there is where there can be no view.
 */
#include "tests/unit/check.h"
#include "tests/unit/jail.h"
#include "tests/unit/site.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Lines about what cannot be seen from the jail. */
static int notices;

static void count_notices(void *context, enum jwta_level level, const char *line)
{
    (void)context;
    if (level == JWTA_LOG_NOTICE && strstr(line, "jail") != NULL)
        notices++;
}

static struct jwta_verifier *open_pinned(void)
{
    struct jwta_conf *conf = test_conf(scene.conf_text);
    static const struct jwta_fetch fetch = {.helper = "/bin/true", .user = "nobody"};
    static const struct jwta_log log = {.write = count_notices};
    struct jwta_verifier_options options = {.expected = geteuid(),
                                            .fetch = &fetch,
                                            .log = &log,
                                            .refresher = "/bin/true",
                                            .pinned = true};
    struct jwta_verifier *verifier = NULL;

    assert_code(jwta_verifier_from_conf(&conf, &options, JWTA_FILE_TRUSTED, &verifier), JWTA_OK);
    return verifier;
}

/* ------------------------------------------------------------------ the way out of it */

#define DESCRIPTORS 64

/* The next open directory from fd on, or -1. The tests have none of their own. */
static int next_directory(int fd)
{
    struct stat st;

    for (; fd < DESCRIPTORS; fd++) {
        if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
            return fd;
    }
    return -1;
}

static int directories(void)
{
    int count = 0;

    for (int fd = 3; (fd = next_directory(fd)) >= 0; fd++)
        count++;
    return count;
}

/* Whether this name below a directory can be made, or be opened for writing. */
static bool can_write(int directory, const char *name)
{
    static const int ways[] = {O_WRONLY, O_RDWR | O_TRUNC, O_WRONLY | O_CREAT};

    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        if (openat(directory, name, ways[i] | O_CLOEXEC, 0644) >= 0)
            return true;
    }
    return mkdirat(directory, name, 0755) == 0 || unlinkat(directory, name, 0) == 0 ||
           renameat(directory, name, directory, "65534/renamed") == 0;
}

/* Tries what somebody who got hold of the process can, with one directory. */
static void check_no_way_out(int fd)
{
    struct mount_attr attributes = {.attr_clr = MOUNT_ATTR_RDONLY};
    struct stat here;
    struct stat up;

    CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(fstat(fd, &here) == 0 && fstatat(fd, "..", &up, 0) == 0);
    CHECK(here.st_dev == up.st_dev && here.st_ino == up.st_ino);
    CHECK(openat(fd, "../etc/keys.json", O_RDONLY | O_CLOEXEC) < 0);
    CHECK(fchdir(fd) == 0);
    CHECK(stat("../../etc", &up) != 0 && errno == ENOENT);
    CHECK(chdir("/") == 0);
    CHECK(!can_write(fd, "made"));
    CHECK(!can_write(fd, "65534/made"));
    CHECK(!can_write(fd, "65534/net.jwks"));
    CHECK(fchmodat(fd, "65534", 0777, 0) != 0);
    /* The view stays what it is: whoever is in a jail gets no rights over mounts of his own. */
    CHECK(unshare(CLONE_NEWUSER) != 0);
    CHECK(syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) != 0);
}

static void way_out_child(void)
{
    struct jwta_verifier *verifier = open_pinned();

    enter_jail();
    become_other();
    CHECK(directories() == 2);
    for (int fd = 3; (fd = next_directory(fd)) >= 0; fd++)
        check_no_way_out(fd);
    /* What another process of that user, in no jail, has put there does not count. */
    CHECK_CODE(judge(verifier, "net", scene.new_key, 1), JWTA_SIGNATURE);
    CHECK_CODE(judge(verifier, "net", scene.old_key, 1), JWTA_OK);
    jwta_verifier_close(&verifier);
    CHECK(directories() == 0);
}

/* The process's own folder of the cache, in which it may write outside of the jail. */
static void test_no_way_out(void **state)
{
    (void)state;
    test_need_view();
    make_jail();
    put_key_file(scene.root, scene.old_key, 0644, 0);
    put_cached(scene.root, scene.old_key, 0, 1);
    put_cached(scene.root, scene.new_key, OTHER_UID, 0);
    run_child(way_out_child, NULL);
}

/* A process that is not root enters no jail. */
static void other_from_the_start_child(void)
{
    struct jwta_verifier *verifier = NULL;

    become_other();
    verifier = open_pinned();
    CHECK(directories() == 0);
    CHECK_CODE(judge(verifier, "net", scene.old_key, 1), JWTA_OK);
    jwta_verifier_close(&verifier);
}

static void test_needs_none(void **state)
{
    (void)state;
    test_need_root();
    put_key_file(scene.root, scene.old_key, 0644, 0);
    put_cached(scene.root, scene.old_key, 0, 0);
    run_child(other_from_the_start_child, NULL);
}

/* ------------------------------------------------------------------ where there is no view */

static void replace_keys(void)
{
    put_key_file(scene.root, scene.new_key, 0644, 0);
    put_cached(scene.root, scene.new_key, 0, 0);
}

/* As in a container whose root may make no mounts. */
static void give_up_mounts(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];

    CHECK(syscall(SYS_capget, &header, data) == 0);
    data[0].effective &= ~(UINT32_C(1) << CAP_SYS_ADMIN);
    data[0].permitted &= ~(UINT32_C(1) << CAP_SYS_ADMIN);
    data[0].inheritable = 0;
    CHECK(syscall(SYS_capset, &header, data) == 0);
}

#define STALE 86400

static void frozen_child(void)
{
    struct jwta_verifier *verifier = NULL;

    give_up_mounts();
    verifier = open_pinned();
    CHECK(directories() == 0);
    CHECK(notices == 0);
    enter_jail();
    become_other();
    outside(0);
    CHECK_CODE(judge(verifier, "idp", scene.old_key, 1), JWTA_OK);
    CHECK_CODE(judge(verifier, "net", scene.old_key, 1), JWTA_OK);
    CHECK(notices == 2);
    CHECK_CODE(judge(verifier, "idp", scene.decoy_key, 2), JWTA_SIGNATURE);
    CHECK_CODE(judge(verifier, "net", scene.decoy_key, 2), JWTA_SIGNATURE);
    CHECK_CODE(judge(verifier, "idp", scene.new_key, 2), JWTA_SIGNATURE);
    CHECK_CODE(judge(verifier, "idp", scene.old_key, STALE - 60), JWTA_OK);
    CHECK(notices == 2);
    CHECK_CODE(judge(verifier, "idp", scene.old_key, STALE + 60), JWTA_KEYS_UNAVAILABLE);
    CHECK_CODE(judge(verifier, "idp", scene.old_key, 3), JWTA_KEYS_UNAVAILABLE);
    jwta_verifier_close(&verifier);
}

static void test_frozen(void **state)
{
    static void (*const steps[])(void) = {replace_keys};

    (void)state;
    test_need_root();
    make_jail();
    put_key_file(scene.root, scene.old_key, 0644, 0);
    put_cached(scene.root, scene.old_key, 0, 0);
    run_child(frozen_child, steps);
}

/* What could not be read before the jail cannot be read in it, for the same reason. */
static void missed_child(void)
{
    struct jwta_verifier *verifier = NULL;

    give_up_mounts();
    verifier = open_pinned();
    enter_jail();
    outside(0);
    CHECK_CODE(judge(verifier, "idp", scene.new_key, 1), JWTA_KEYS_INSECURE);
    CHECK_CODE(judge(verifier, "idp", scene.decoy_key, 1), JWTA_KEYS_INSECURE);
    CHECK_CODE(judge(verifier, "net", scene.new_key, 1), JWTA_KEYS_UNAVAILABLE);
    CHECK_CODE(judge(verifier, "net", scene.decoy_key, 1), JWTA_KEYS_UNAVAILABLE);
    jwta_verifier_close(&verifier);
}

static void test_missed(void **state)
{
    static void (*const steps[])(void) = {replace_keys};

    (void)state;
    test_need_root();
    make_jail();
    put_key_file(scene.root, scene.old_key, 0666, 0);
    run_child(missed_child, steps);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, test_scene_make, test_scene_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_no_way_out),
        CASE(test_needs_none),
        CASE(test_frozen),
        CASE(test_missed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
