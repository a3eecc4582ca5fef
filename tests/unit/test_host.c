/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/host.h"
#include "tests/unit/check.h"

#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* passwd and group files of a host that is not this one. */
struct files {
    char passwd[64];
    char group[64];
    struct jwta_host_files names;
    struct jwta_host host;
};

static void write_file(char *path, size_t size, const char *text)
{
    snprintf(path, size, "/tmp/jwtauth-host-XXXXXX");
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
}

/* A group whose entry is longer than any first guess at the room for one. */
static char *long_group(void)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    assert_non_null(out);
    fputs("# a comment\nadm:x:4:\nlong:x:4000:", out);
    for (int i = 0; i < 20000; i++)
        fprintf(out, "%smember%d", i == 0 ? "" : ",", i);
    fputs("\nafter:x:4001:alice\nadm:x:99:\n", out);
    fclose(out);
    return text;
}

static int enter(void **state)
{
    struct files *files = calloc(1, sizeof(*files));
    char *groups = long_group();

    assert_non_null(files);
    write_file(files->passwd, sizeof(files->passwd),
               "root:x:0:0:root:/root:/bin/sh\n"
               "broken line\n"
               "alice:x:5001:5001::/home/alice:/bin/sh\n"
               "alice:x:5009:5009::/home/alice:/bin/sh\n"
               "bob:x:5002:5002::/home/bob:/bin/sh");
    write_file(files->group, sizeof(files->group), groups);
    free(groups);
    files->names = (struct jwta_host_files){
        .passwd = files->passwd, .group = files->group, .name = "lab.example.com"};
    files->host = jwta_host_from_files(&files->names);
    *state = files;
    return 0;
}

static int leave(void **state)
{
    struct files *files = *state;

    unlink(files->passwd);
    unlink(files->group);
    free(files);
    return 0;
}

static void test_file_users(void **state)
{
    const struct files *files = *state;
    const struct jwta_host *host = &files->host;
    uid_t uid = 77;

    assert_int_equal(host->user(host, "alice", &uid), JWTA_FOUND);
    assert_int_equal(uid, 5001);
    assert_int_equal(host->user(host, "bob", &uid), JWTA_FOUND);
    assert_int_equal(uid, 5002);
    assert_int_equal(host->user(host, "root", &uid), JWTA_FOUND);
    assert_int_equal(uid, 0);
    uid = 77;
    assert_int_equal(host->user(host, "carol", &uid), JWTA_NOT_FOUND);
    assert_int_equal(host->user(host, "alic", &uid), JWTA_NOT_FOUND);
    assert_int_equal(host->user(host, "ALICE", &uid), JWTA_NOT_FOUND);
    assert_int_equal(host->user(host, "", &uid), JWTA_NOT_FOUND);
    assert_int_equal(host->user(host, NULL, &uid), JWTA_NOT_FOUND);
    assert_int_equal(uid, 77);
}

static void test_file_groups(void **state)
{
    const struct files *files = *state;
    const struct jwta_host *host = &files->host;
    gid_t gid = 77;

    assert_int_equal(host->group(host, "adm", &gid), JWTA_FOUND);
    assert_int_equal(gid, 4);
    assert_int_equal(host->group(host, "long", &gid), JWTA_FOUND);
    assert_int_equal(gid, 4000);
    assert_int_equal(host->group(host, "after", &gid), JWTA_FOUND);
    assert_int_equal(gid, 4001);
    gid = 77;
    assert_int_equal(host->group(host, "alice", &gid), JWTA_NOT_FOUND);
    assert_int_equal(host->group(host, "", &gid), JWTA_NOT_FOUND);
    assert_int_equal(gid, 77);
}

/* A file that cannot be read is no host without users: nobody can say who is not there. */
static void test_files_that_fail(void **state)
{
    const struct jwta_host_files missing = {.passwd = "/nowhere/passwd", .group = "/nowhere/group"};
    const struct jwta_host_files directory = {.passwd = "/tmp", .group = "/tmp"};
    struct jwta_host host = jwta_host_from_files(&missing);
    uid_t uid = 77;
    gid_t gid = 77;

    (void)state;
    assert_int_equal(host.user(&host, "alice", &uid), JWTA_LOOKUP_FAILED);
    assert_int_equal(host.group(&host, "adm", &gid), JWTA_LOOKUP_FAILED);
    host = jwta_host_from_files(&directory);
    assert_int_equal(host.user(&host, "alice", &uid), JWTA_LOOKUP_FAILED);
    assert_int_equal(host.group(&host, "adm", &gid), JWTA_LOOKUP_FAILED);
    assert_int_equal(uid, 77);
    assert_int_equal(gid, 77);
}

static void test_name(void **state)
{
    const struct files *files = *state;
    struct utsname kernel;
    char name[256];
    char tight[sizeof("lab.example.com")];

    assert_true(files->host.name(&files->host, name, sizeof(name)));
    assert_string_equal(name, "lab.example.com");
    assert_true(files->host.name(&files->host, tight, sizeof(tight)));
    assert_string_equal(tight, "lab.example.com");
    assert_false(files->host.name(&files->host, tight, sizeof(tight) - 1));
    assert_false(files->host.name(&files->host, tight, 0));

    assert_int_equal(uname(&kernel), 0);
    assert_true(jwta_host_system.name(&jwta_host_system, name, sizeof(name)));
    assert_string_equal(name, kernel.nodename);
    assert_false(jwta_host_system.name(&jwta_host_system, name, strlen(kernel.nodename)));

    const struct jwta_host_files nameless = {.name = ""};
    struct jwta_host host = jwta_host_from_files(&nameless);
    assert_false(host.name(&host, name, sizeof(name)));
}

/* What is not given is the system's own. */
static void test_system(void **state)
{
    const struct jwta_host_files none = {0};
    const struct jwta_host hosts[] = {jwta_host_system, jwta_host_from_files(&none)};
    struct utsname kernel;
    char name[256];

    (void)state;
    assert_int_equal(uname(&kernel), 0);
    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        const struct jwta_host *host = &hosts[i];
        uid_t uid = 77;
        gid_t gid = 77;
        assert_int_equal(host->user(host, "root", &uid), JWTA_FOUND);
        assert_int_equal(uid, 0);
        assert_int_equal(host->group(host, "root", &gid), JWTA_FOUND);
        assert_int_equal(gid, 0);
        assert_int_equal(host->user(host, "no such user", &uid), JWTA_NOT_FOUND);
        assert_int_equal(host->group(host, "no such group", &gid), JWTA_NOT_FOUND);
        assert_int_equal(host->user(host, "", &uid), JWTA_NOT_FOUND);
        assert_int_equal(host->group(host, NULL, &gid), JWTA_NOT_FOUND);
        assert_true(host->name(host, name, sizeof(name)));
        assert_string_equal(name, kernel.nodename);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, enter, leave)

/*
 * NSS as it may behave: the program's own getpwnam_r and getgrnam_r stand before libc's. They
 * answer scripted_name by the script, and any other name as libc does.
 */
static const char scripted_name[] = "scripted";
static int script[8]; /* error numbers, one a call; 0 with found gives the entry */
static size_t script_next;
static bool script_found;
static size_t script_room; /* what the last call was given */

static int follow_script(size_t size)
{
    script_room = size;
    return script[script_next++];
}

int getpwnam_r(const char *name, struct passwd *entry, char *room, size_t size,
               struct passwd **result)
{
    if (strcmp(name, scripted_name) != 0) {
        int (*libc)(const char *, struct passwd *, char *, size_t, struct passwd **) = NULL;
        *(void **)&libc = dlsym(RTLD_NEXT, "getpwnam_r");
        assert_non_null(libc);
        return libc(name, entry, room, size, result);
    }
    *result = NULL;
    int error = follow_script(size);
    entry->pw_uid = 1234;
    if (error == 0 && script_found)
        *result = entry;
    return error;
}

int getgrnam_r(const char *name, struct group *entry, char *room, size_t size,
               struct group **result)
{
    if (strcmp(name, scripted_name) != 0) {
        int (*libc)(const char *, struct group *, char *, size_t, struct group **) = NULL;
        *(void **)&libc = dlsym(RTLD_NEXT, "getgrnam_r");
        assert_non_null(libc);
        return libc(name, entry, room, size, result);
    }
    *result = NULL;
    int error = follow_script(size);
    entry->gr_gid = 1234;
    if (error == 0 && script_found)
        *result = entry;
    return error;
}

static void test_nss_errors(void **state)
{
    static const struct {
        int script[8];
        bool found;
        enum jwta_found expected;
        size_t calls;
    } cases[] = {
        {{0}, true, JWTA_FOUND, 1},
        {{0}, false, JWTA_NOT_FOUND, 1},
        {{ENOENT}, false, JWTA_NOT_FOUND, 1},
        {{ESRCH}, false, JWTA_NOT_FOUND, 1},
        {{EBADF}, false, JWTA_NOT_FOUND, 1},
        {{EPERM}, false, JWTA_NOT_FOUND, 1},
        {{EINTR, EINTR, 0}, true, JWTA_FOUND, 3},
        {{ERANGE, ERANGE, 0}, true, JWTA_FOUND, 3},
        {{ERANGE, EINTR, 0}, false, JWTA_NOT_FOUND, 3},
        {{EIO}, false, JWTA_LOOKUP_FAILED, 1},
        {{EMFILE}, false, JWTA_LOOKUP_FAILED, 1},
        {{ENOMEM}, false, JWTA_LOOKUP_FAILED, 1},
        {{EAGAIN}, false, JWTA_LOOKUP_FAILED, 1},
        /* An entry that no room suffices for: 1 KiB, times four each time, up to 16 MiB. */
        {{ERANGE, ERANGE, ERANGE, ERANGE, ERANGE, ERANGE, ERANGE, ERANGE},
         false,
         JWTA_LOOKUP_FAILED,
         8},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uid_t uid = 77;
        gid_t gid = 77;
        memcpy(script, cases[i].script, sizeof(script));
        script_found = cases[i].found;
        script_next = 0;
        assert_int_equal(jwta_host_system.user(&jwta_host_system, scripted_name, &uid),
                         cases[i].expected);
        assert_int_equal(script_next, cases[i].calls);
        assert_int_equal(uid, cases[i].expected == JWTA_FOUND ? 1234 : 77);
        script_next = 0;
        assert_int_equal(jwta_host_system.group(&jwta_host_system, scripted_name, &gid),
                         cases[i].expected);
        assert_int_equal(script_next, cases[i].calls);
        assert_int_equal(gid, cases[i].expected == JWTA_FOUND ? 1234 : 77);
    }
    assert_int_equal(script_room, 16 * 1024 * 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_file_users), TEST(test_file_groups), TEST(test_files_that_fail),
        TEST(test_name),       TEST(test_system),      cmocka_unit_test(test_nss_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
