/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories kept in view: what they hold is read by them alone, with all that is asked of a path
 * below them, and nothing else can be done by them. Only root can keep one.
 */
#include "common/file_pin.h"
#include "tests/unit/check.h"
#include "tests/unit/jail.h"
#include "tests/unit/site.h"
#include "tests/unit/token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* top/kept, a folder of ours in a folder of ours. */
static char *top;
static char *kept;

static int setup(void **state)
{
    (void)state;
    top = test_folder();
    kept = test_format("%s/kept", top);
    return mkdir(kept, 0755);
}

static int teardown(void **state)
{
    (void)state;
    (void)rmdir(kept);
    free(kept);
    test_folder_remove(&top);
    return 0;
}

/* Reads name by the pin and compares what it says; NULL: the status has to be this instead. */
static void check_read(const struct jwta_pin *pin, const char *name, enum jwta_file_trust trust,
                       const char *expected, enum jwta_file_status refusal)
{
    const struct jwta_pinned_file file = {.pin = pin, .name = name, .path = "/nowhere/file"};
    struct jwta_buf buf = {0};
    struct jwta_file_id id = {0};
    struct jwta_file_id seen = {0};
    struct jwta_why why = {0};
    enum jwta_file_status status = jwta_pin_read(&file, trust, geteuid(), 100, &buf, &id, &why);

    if (expected != NULL) {
        assert_int_equal(status, JWTA_FILE_OK);
        assert_true(jwta_span_is(jwta_buf_span(&buf), expected));
        assert_true(jwta_pin_identify(&file, &seen));
        assert_true(jwta_file_same(&id, &seen));
    } else {
        if (status != refusal)
            fail_msg("%s: status %d: %s", name, status, why.text);
        assert_non_null(strstr(why.text, "/nowhere/file"));
        assert_null(buf.data);
    }
    jwta_buf_free(&buf);
}

static void test_reads(void **state)
{
    struct jwta_pin pin = {0};
    char *inner = test_format("%s/7", kept);
    char *moved = test_format("%s/moved", top);
    char *path = test_write(kept, "file", "one", 0644);
    char *deep = NULL;

    (void)state;
    test_need_view();
    assert_int_equal(mkdir(inner, 0755), 0);
    deep = test_write(inner, "deep", "two", 0600);
    assert_int_equal(jwta_pin_open(kept, geteuid(), &pin, NULL), JWTA_FILE_OK);
    assert_true(pin.fd >= 3);
    assert_int_equal(fcntl(pin.fd, F_GETFD), FD_CLOEXEC);
    check_read(&pin, "file", JWTA_FILE_TRUSTED, "one", 0);
    check_read(&pin, "file", JWTA_FILE_SECRET, NULL, JWTA_FILE_INSECURE);
    check_read(&pin, "7/deep", JWTA_FILE_SECRET, "two", 0);
    check_read(&pin, "none", JWTA_FILE_TRUSTED, NULL, JWTA_FILE_MISSING);
    check_read(&pin, "8/deep", JWTA_FILE_TRUSTED, NULL, JWTA_FILE_MISSING);
    check_read(&pin, "7", JWTA_FILE_TRUSTED, NULL, JWTA_FILE_FAILED);
    /* What is replaced is seen, and another directory of the same path is another directory. */
    free(test_write(kept, "file", "three", 0644));
    check_read(&pin, "file", JWTA_FILE_TRUSTED, "three", 0);
    assert_int_equal(rename(kept, moved), 0);
    assert_int_equal(mkdir(kept, 0755), 0);
    free(test_write(kept, "file", "decoy", 0644));
    check_read(&pin, "file", JWTA_FILE_TRUSTED, "three", 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(kept), 0);
    assert_int_equal(rename(moved, kept), 0);

    jwta_pin_close(&pin);
    check_read(&pin, "file", JWTA_FILE_TRUSTED, NULL, JWTA_FILE_MISSING);
    assert_int_equal(unlink(deep), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(inner), 0);
    free(deep);
    free(path);
    free(moved);
    free(inner);
}

/* Whatever could be changed by others is refused each time, however it was when it was pinned. */
static void test_insecure(void **state)
{
    struct jwta_pin pin = {0};
    char *inner = test_format("%s/7", kept);
    char *link = test_format("%s/link", kept);
    char *linked = test_format("%s/8", kept);
    char *path = test_write(kept, "file", "one", 0644);
    char *deep = NULL;

    (void)state;
    test_need_view();
    assert_int_equal(mkdir(inner, 0755), 0);
    deep = test_write(inner, "deep", "two", 0644);
    assert_int_equal(symlink("file", link), 0);
    assert_int_equal(symlink("7", linked), 0);
    assert_int_equal(jwta_pin_open(kept, geteuid(), &pin, NULL), JWTA_FILE_OK);
    check_read(&pin, "link", JWTA_FILE_TRUSTED, NULL, JWTA_FILE_INSECURE);
    check_read(&pin, "8/deep", JWTA_FILE_TRUSTED, NULL, JWTA_FILE_MISSING);
    assert_int_equal(chmod(path, 0666), 0);
    check_read(&pin, "file", JWTA_FILE_TRUSTED, NULL, JWTA_FILE_INSECURE);
    assert_int_equal(chmod(path, 0644), 0);
    check_read(&pin, "file", JWTA_FILE_TRUSTED, "one", 0);
    assert_int_equal(chmod(inner, 0777), 0);
    check_read(&pin, "7/deep", JWTA_FILE_TRUSTED, NULL, JWTA_FILE_INSECURE);
    assert_int_equal(chmod(inner, 0755), 0);
    assert_int_equal(chmod(kept, 0775), 0);
    check_read(&pin, "file", JWTA_FILE_TRUSTED, NULL, JWTA_FILE_INSECURE);
    check_read(&pin, "7/deep", JWTA_FILE_TRUSTED, NULL, JWTA_FILE_INSECURE);
    assert_int_equal(chmod(kept, 0755), 0);
    /* Nobody above it can put another directory in the place of one that is held. */
    assert_int_equal(chmod(top, 0777), 0);
    check_read(&pin, "file", JWTA_FILE_TRUSTED, "one", 0);
    assert_int_equal(chmod(top, 0700), 0);

    jwta_pin_close(&pin);
    assert_int_equal(unlink(deep), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(unlink(linked), 0);
    assert_int_equal(rmdir(inner), 0);
    free(deep);
    free(path);
    free(linked);
    free(link);
    free(inner);
}

/* For root itself, to whom owners and modes are no hindrance. */
static void test_view(void **state)
{
    struct jwta_pin pin = {0};
    struct stat st;
    char *path = test_write(kept, "file", "one", 0644);
    char *above = test_write(top, "above", "top", 0644);

    (void)state;
    test_need_view();
    assert_int_equal(jwta_pin_open(kept, geteuid(), &pin, NULL), JWTA_FILE_OK);
    assert_int_equal(fstatat(pin.fd, "..", &st, 0), 0);
    assert_true(st.st_dev == pin.dev && st.st_ino == pin.ino);
    assert_int_equal(fstatat(pin.fd, "../above", &st, 0), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(openat(pin.fd, "file", O_WRONLY | O_CLOEXEC), -1);
    assert_int_equal(errno, EROFS);
    assert_int_equal(openat(pin.fd, "made", O_WRONLY | O_CREAT | O_CLOEXEC, 0600), -1);
    assert_int_equal(errno, EROFS);
    assert_int_equal(mkdirat(pin.fd, "made", 0700), -1);
    assert_int_equal(errno, EROFS);
    assert_int_equal(unlinkat(pin.fd, "file", 0), -1);
    assert_int_equal(errno, EROFS);
    assert_int_equal(renameat(pin.fd, "file", pin.fd, "made"), -1);
    assert_int_equal(errno, EROFS);
    assert_int_equal(fchmodat(pin.fd, "file", 0666, 0), -1);
    assert_int_equal(errno, EROFS);
    jwta_pin_close(&pin);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(unlink(above), 0);
    free(above);
    free(path);
}

/* What cannot be pinned says so, then and whenever it is asked. */
static void test_not_pinned(void **state)
{
    struct jwta_pin pin = {0};
    struct jwta_why why = {0};

    (void)state;
    assert_int_equal(jwta_pin_open("/nonexistent", geteuid(), &pin, &why), JWTA_FILE_MISSING);
    assert_non_null(strstr(why.text, "/nonexistent"));
    check_read(&pin, "file", JWTA_FILE_TRUSTED, NULL, JWTA_FILE_MISSING);
    jwta_pin_close(&pin);
    assert_int_equal(chmod(kept, 0777), 0);
    assert_int_equal(jwta_pin_open(kept, geteuid(), &pin, &why), JWTA_FILE_INSECURE);
    assert_int_equal(chmod(kept, 0755), 0);
    check_read(&pin, "file", JWTA_FILE_TRUSTED, NULL, JWTA_FILE_INSECURE);
    jwta_pin_close(&pin);
    assert_int_equal(chmod(top, 0777), 0);
    assert_int_equal(jwta_pin_open(kept, geteuid(), &pin, &why), JWTA_FILE_INSECURE);
    assert_int_equal(chmod(top, 0700), 0);
    pin = (struct jwta_pin){0};
    check_read(&pin, "file", JWTA_FILE_TRUSTED, NULL, JWTA_FILE_MISSING);
    jwta_pin_close(&pin);
}

/* A host that closes all descriptors and opens others: those are its own. */
static void test_stolen(void **state)
{
    struct jwta_pin pin = {0};
    char *other = test_folder();
    char *path = test_write(kept, "file", "one", 0644);
    char *decoy = test_write(other, "file", "decoy", 0644);
    int number = -1;
    int fd = -1;

    (void)state;
    test_need_view();
    assert_int_equal(jwta_pin_open(kept, geteuid(), &pin, NULL), JWTA_FILE_OK);
    number = pin.fd;
    fd = open(other, O_PATH | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(dup2(fd, number), number);
    assert_int_equal(close(fd), 0);
    check_read(&pin, "file", JWTA_FILE_TRUSTED, NULL, JWTA_FILE_MISSING);
    jwta_pin_close(&pin);
    assert_true(fcntl(number, F_GETFD) >= 0);
    assert_int_equal(close(number), 0);
    assert_int_equal(unlink(path), 0);
    free(path);
    free(decoy);
    test_folder_remove(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reads, setup, teardown),
        cmocka_unit_test_setup_teardown(test_insecure, setup, teardown),
        cmocka_unit_test_setup_teardown(test_view, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_pinned, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stolen, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
