/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/file.h"
#include "tests/unit/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* A folder of this test's own, and paths in it. Who runs the test is the expected uid. */
struct room {
    char path[32];
    char file[80];
    char directory[48];
};

static void write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, 0644), 0);
    assert_int_equal(close(fd), 0);
}

static int enter(void **state)
{
    struct room *room = calloc(1, sizeof(*room));

    assert_non_null(room);
    snprintf(room->path, sizeof(room->path), "/tmp/jwtauth-file-XXXXXX");
    assert_non_null(mkdtemp(room->path));
    snprintf(room->directory, sizeof(room->directory), "%s/in", room->path);
    assert_int_equal(mkdir(room->directory, 0755), 0);
    assert_int_equal(chmod(room->directory, 0755), 0);
    snprintf(room->file, sizeof(room->file), "%s/file", room->directory);
    write_text(room->file, "hello");
    *state = room;
    return 0;
}

static int leave(void **state)
{
    struct room *room = *state;
    char path[256];

    snprintf(path, sizeof(path), "%s/link", room->path);
    unlink(path);
    snprintf(path, sizeof(path), "%s/other", room->directory);
    unlink(path);
    unlink(room->file);
    rmdir(room->file);
    rmdir(room->directory);
    rmdir(room->path);
    free(room);
    return 0;
}

static enum jwta_file_status read_as(const char *path, enum jwta_file_trust trust, uid_t expected,
                                     struct jwta_why *why)
{
    struct jwta_buf buf = {0};
    struct jwta_file_id id = {0};

    *why = (struct jwta_why){0};
    enum jwta_file_status status = jwta_file_read(path, trust, expected, 100, &buf, &id, why);
    if (status == JWTA_FILE_OK) {
        assert_true(jwta_span_is(jwta_buf_span(&buf), "hello"));
        assert_int_equal(id.size, 5);
    } else {
        assert_null(buf.data);
        assert_int_equal(id.ino, 0);
        assert_code(why->code, JWTA_INTERNAL);
        /* Nobody need want the reason. */
        assert_int_equal(jwta_file_read(path, trust, expected, 100, &buf, NULL, NULL), status);
    }
    jwta_buf_free(&buf);
    return status;
}

static enum jwta_file_status read_it(const char *path, enum jwta_file_trust trust,
                                     struct jwta_why *why)
{
    return read_as(path, trust, geteuid(), why);
}

/* A refusal names the path at fault, what is wrong, and owner and mode in octal. */
static void assert_insecure(struct room *room, enum jwta_file_trust trust, const char *path,
                            const char *fault, unsigned mode)
{
    char expected[JWTA_WHY_MAX];
    struct jwta_why why;

    assert_int_equal(read_it(room->file, trust, &why), JWTA_FILE_INSECURE);
    snprintf(expected, sizeof(expected), "%s %s (owner uid %u, mode %04o)", path, fault,
             (unsigned)geteuid(), mode);
    assert_string_equal(why.text, expected);
}

static void test_reads(void **state)
{
    struct room *room = *state;
    struct jwta_why why;

    assert_int_equal(read_it(room->file, JWTA_FILE_ANY, &why), JWTA_FILE_OK);
    assert_int_equal(read_it(room->file, JWTA_FILE_TRUSTED, &why), JWTA_FILE_OK);
    assert_int_equal(chmod(room->file, 0600), 0);
    assert_int_equal(read_it(room->file, JWTA_FILE_SECRET, &why), JWTA_FILE_OK);
    assert_int_equal(chmod(room->file, 0400), 0);
    assert_int_equal(read_it(room->file, JWTA_FILE_SECRET, &why), JWTA_FILE_OK);
}

static void test_replaces_the_buffer(void **state)
{
    struct room *room = *state;
    struct jwta_buf buf = {0};

    assert_code(jwta_buf_append(&buf, jwta_span_of("what was here before")), JWTA_OK);
    assert_int_equal(jwta_file_read(room->file, JWTA_FILE_TRUSTED, geteuid(), 5, &buf, NULL, NULL),
                     JWTA_FILE_OK);
    assert_true(jwta_span_is(jwta_buf_span(&buf), "hello"));
    assert_int_equal(
        jwta_file_read("/nowhere/x", JWTA_FILE_TRUSTED, geteuid(), 5, &buf, NULL, NULL),
        JWTA_FILE_MISSING);
    assert_null(buf.data);
    assert_int_equal(buf.len, 0);
}

static void test_empty_file(void **state)
{
    struct room *room = *state;
    struct jwta_buf buf = {0};

    write_text(room->file, "");
    assert_int_equal(jwta_file_read(room->file, JWTA_FILE_TRUSTED, geteuid(), 0, &buf, NULL, NULL),
                     JWTA_FILE_OK);
    assert_int_equal(buf.len, 0);
    jwta_buf_free(&buf);
}

static void test_size(void **state)
{
    struct room *room = *state;
    struct jwta_buf buf = {0};
    struct jwta_why why = {0};
    char expected[256];

    assert_int_equal(jwta_file_read(room->file, JWTA_FILE_ANY, geteuid(), 4, &buf, NULL, &why),
                     JWTA_FILE_FAILED);
    snprintf(expected, sizeof(expected), "%s is larger than 4 bytes", room->file);
    assert_string_equal(why.text, expected);
    assert_null(buf.data);
    /* A file that says it is empty and is not, as one that grows: bounded while it is read. */
    assert_int_equal(
        jwta_file_read("/proc/self/status", JWTA_FILE_ANY, geteuid(), 64, &buf, NULL, &why),
        JWTA_FILE_FAILED);
    assert_string_equal(why.text, "/proc/self/status is larger than 64 bytes");
    assert_null(buf.data);
    assert_int_equal(
        jwta_file_read("/proc/self/status", JWTA_FILE_ANY, geteuid(), 65536, &buf, NULL, &why),
        JWTA_FILE_OK);
    assert_true(buf.len > 64);
    jwta_buf_free(&buf);
}

static void test_missing(void **state)
{
    struct room *room = *state;
    struct jwta_why why;
    char path[256];
    char expected[512];

    snprintf(path, sizeof(path), "%s/other", room->directory);
    snprintf(expected, sizeof(expected), "%s: No such file or directory", path);
    assert_int_equal(read_it(path, JWTA_FILE_TRUSTED, &why), JWTA_FILE_MISSING);
    assert_string_equal(why.text, expected);
    assert_int_equal(read_it(path, JWTA_FILE_ANY, &why), JWTA_FILE_MISSING);
    assert_string_equal(why.text, expected);
    snprintf(path, sizeof(path), "%s/none/other", room->directory);
    assert_int_equal(read_it(path, JWTA_FILE_TRUSTED, &why), JWTA_FILE_MISSING);
    snprintf(path, sizeof(path), "%s/other", room->file);
    assert_int_equal(read_it(path, JWTA_FILE_TRUSTED, &why), JWTA_FILE_MISSING);
    assert_int_equal(read_it("", JWTA_FILE_TRUSTED, &why), JWTA_FILE_MISSING);
    assert_int_equal(read_it("/", JWTA_FILE_TRUSTED, &why), JWTA_FILE_MISSING);
}

static void test_mode(void **state)
{
    static const char writable[] = "is writable by group or others";
    static const char readable[] = "holds a secret and is readable by group or others";
    static const struct {
        mode_t mode;
        const char *trusted; /* the fault, or NULL */
        const char *secret;
    } cases[] = {{0644, NULL, readable},     {0640, NULL, readable},    {0604, NULL, readable},
                 {0600, NULL, NULL},         {0444, NULL, readable},    {0664, writable, writable},
                 {0646, writable, writable}, {0620, writable, writable}};
    struct room *room = *state;
    struct jwta_why why;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(chmod(room->file, cases[i].mode), 0);
        if (cases[i].trusted != NULL)
            assert_insecure(room, JWTA_FILE_TRUSTED, room->file, cases[i].trusted, cases[i].mode);
        else
            assert_int_equal(read_it(room->file, JWTA_FILE_TRUSTED, &why), JWTA_FILE_OK);
        if (cases[i].secret != NULL)
            assert_insecure(room, JWTA_FILE_SECRET, room->file, cases[i].secret, cases[i].mode);
        else
            assert_int_equal(read_it(room->file, JWTA_FILE_SECRET, &why), JWTA_FILE_OK);
        assert_int_equal(read_it(room->file, JWTA_FILE_ANY, &why), JWTA_FILE_OK);
    }
}

/* Another uid than the one that runs this test owns what it made; for root, change the owner. */
static void test_owner(void **state)
{
    struct room *room = *state;
    struct jwta_why why;
    char expected[JWTA_WHY_MAX];

    if (geteuid() != 0) {
        assert_int_equal(read_as(room->file, JWTA_FILE_TRUSTED, geteuid() + 1, &why),
                         JWTA_FILE_INSECURE);
        snprintf(expected, sizeof(expected),
                 "%s is owned by another user (owner uid %u, mode 0755)", room->directory,
                 (unsigned)geteuid());
        assert_string_equal(why.text, expected);
        assert_int_equal(read_as(room->file, JWTA_FILE_ANY, geteuid() + 1, &why), JWTA_FILE_OK);
        return;
    }
    assert_int_equal(chown(room->file, 4242, (gid_t)-1), 0);
    assert_int_equal(read_as(room->file, JWTA_FILE_TRUSTED, 0, &why), JWTA_FILE_INSECURE);
    snprintf(expected, sizeof(expected), "%s is owned by another user (owner uid 4242, mode 0644)",
             room->file);
    assert_string_equal(why.text, expected);
    assert_int_equal(read_as(room->file, JWTA_FILE_TRUSTED, 4243, &why), JWTA_FILE_INSECURE);
    assert_int_equal(read_as(room->file, JWTA_FILE_TRUSTED, 4242, &why), JWTA_FILE_OK);
    assert_int_equal(read_as(room->file, JWTA_FILE_ANY, 0, &why), JWTA_FILE_OK);
    /* What root owns is trusted whoever reads. */
    assert_int_equal(chown(room->file, 0, (gid_t)-1), 0);
    assert_int_equal(read_as(room->file, JWTA_FILE_TRUSTED, 4242, &why), JWTA_FILE_OK);

    assert_int_equal(chown(room->directory, 4242, (gid_t)-1), 0);
    assert_int_equal(read_as(room->file, JWTA_FILE_TRUSTED, 0, &why), JWTA_FILE_INSECURE);
    snprintf(expected, sizeof(expected), "%s is owned by another user (owner uid 4242, mode 0755)",
             room->directory);
    assert_string_equal(why.text, expected);
    assert_int_equal(read_as(room->file, JWTA_FILE_TRUSTED, 4242, &why), JWTA_FILE_OK);
}

static void test_directories(void **state)
{
    static const char fault[] = "is writable by group or others";
    struct room *room = *state;
    struct jwta_why why;

    assert_int_equal(chmod(room->directory, 0777), 0);
    assert_insecure(room, JWTA_FILE_TRUSTED, room->directory, fault, 0777);
    assert_int_equal(read_it(room->file, JWTA_FILE_ANY, &why), JWTA_FILE_OK);
    assert_int_equal(chmod(room->directory, 0775), 0);
    assert_insecure(room, JWTA_FILE_TRUSTED, room->directory, fault, 0775);
    assert_int_equal(chmod(room->directory, 01777), 0);
    assert_int_equal(read_it(room->file, JWTA_FILE_TRUSTED, &why), JWTA_FILE_OK);
    assert_int_equal(chmod(room->directory, 0755), 0);
    assert_int_equal(chmod(room->path, 0757), 0);
    assert_insecure(room, JWTA_FILE_TRUSTED, room->path, fault, 0757);
    assert_int_equal(chmod(room->path, 0700), 0);
    assert_int_equal(read_it(room->file, JWTA_FILE_TRUSTED, &why), JWTA_FILE_OK);
}

static void test_symbolic_links(void **state)
{
    struct room *room = *state;
    struct jwta_why why;
    char other[256];
    char link_path[256];
    char through[300];
    char expected[JWTA_WHY_MAX];

    snprintf(other, sizeof(other), "%s/other", room->directory);
    assert_int_equal(symlink("file", other), 0);
    assert_int_equal(read_it(other, JWTA_FILE_TRUSTED, &why), JWTA_FILE_INSECURE);
    snprintf(expected, sizeof(expected), "%s is a symbolic link", other);
    assert_string_equal(why.text, expected);
    assert_int_equal(read_it(other, JWTA_FILE_SECRET, &why), JWTA_FILE_INSECURE);
    assert_int_equal(read_it(other, JWTA_FILE_ANY, &why), JWTA_FILE_OK);

    /* A link on the way is followed, and where it leads is what is checked. */
    snprintf(link_path, sizeof(link_path), "%s/link", room->path);
    snprintf(through, sizeof(through), "%s/file", link_path);
    assert_int_equal(symlink("in", link_path), 0);
    assert_int_equal(read_it(through, JWTA_FILE_TRUSTED, &why), JWTA_FILE_OK);
    assert_int_equal(chmod(room->directory, 0777), 0);
    assert_int_equal(read_it(through, JWTA_FILE_TRUSTED, &why), JWTA_FILE_INSECURE);
    snprintf(expected, sizeof(expected), "%s is writable by group or others", room->directory);
    assert_memory_equal(why.text, expected, strlen(expected));
}

/* Who can change a link on the way chooses which trusted file is read: it must be trusted, too. */
static void test_links_of_others(void **state)
{
    struct room *room = *state;
    struct jwta_why why;
    char open_dir[64];
    char link_path[128];
    char second[128];
    char through[300];

    snprintf(open_dir, sizeof(open_dir), "%s/open", room->path);
    snprintf(link_path, sizeof(link_path), "%s/link", open_dir);
    snprintf(second, sizeof(second), "%s/link", room->path);
    snprintf(through, sizeof(through), "%s/file", link_path);
    assert_int_equal(mkdir(open_dir, 0755), 0);
    assert_int_equal(symlink(room->directory, link_path), 0);
    assert_int_equal(read_it(through, JWTA_FILE_TRUSTED, &why), JWTA_FILE_OK);
    assert_int_equal(chmod(open_dir, 0777), 0);
    assert_int_equal(read_it(through, JWTA_FILE_TRUSTED, &why), JWTA_FILE_INSECURE);
    assert_non_null(strstr(why.text, open_dir));
    /* Also behind another link that is fine by itself. */
    assert_int_equal(symlink("open/link", second), 0);
    snprintf(through, sizeof(through), "%s/file", second);
    assert_int_equal(read_it(through, JWTA_FILE_TRUSTED, &why), JWTA_FILE_INSECURE);
    assert_int_equal(chmod(open_dir, 0755), 0);
    assert_int_equal(read_it(through, JWTA_FILE_TRUSTED, &why), JWTA_FILE_OK);
    if (geteuid() == 0) {
        assert_int_equal(lchown(link_path, 65534, 65534), 0);
        assert_int_equal(read_it(through, JWTA_FILE_TRUSTED, &why), JWTA_FILE_INSECURE);
        assert_non_null(strstr(why.text, "is a link of another user"));
    }
    /* A ring of links ends. */
    assert_int_equal(unlink(link_path), 0);
    assert_int_equal(symlink("link", link_path), 0);
    assert_int_equal(read_it(through, JWTA_FILE_TRUSTED, &why), JWTA_FILE_FAILED);
    assert_int_equal(unlink(link_path), 0);
    assert_int_equal(rmdir(open_dir), 0);
}

static void test_hard_link(void **state)
{
    struct room *room = *state;
    struct jwta_why why;
    char other[256];

    snprintf(other, sizeof(other), "%s/other", room->directory);
    assert_int_equal(link(room->file, other), 0);
    assert_int_equal(read_it(other, JWTA_FILE_TRUSTED, &why), JWTA_FILE_OK);
}

static void test_only_regular_files(void **state)
{
    struct room *room = *state;
    struct jwta_why why;
    char expected[JWTA_WHY_MAX];

    snprintf(expected, sizeof(expected), "%s is not a regular file", room->file);
    assert_int_equal(unlink(room->file), 0);
    /* Nobody writes to this FIFO: a reader that waited would wait for ever. */
    assert_int_equal(mkfifo(room->file, 0600), 0);
    assert_int_equal(read_it(room->file, JWTA_FILE_TRUSTED, &why), JWTA_FILE_FAILED);
    assert_string_equal(why.text, expected);
    assert_int_equal(read_it(room->file, JWTA_FILE_ANY, &why), JWTA_FILE_FAILED);
    assert_string_equal(why.text, expected);
    assert_int_equal(unlink(room->file), 0);
    assert_int_equal(mkdir(room->file, 0700), 0);
    assert_int_equal(read_it(room->file, JWTA_FILE_TRUSTED, &why), JWTA_FILE_FAILED);
    assert_string_equal(why.text, expected);
    assert_int_equal(read_it("/dev/null", JWTA_FILE_ANY, &why), JWTA_FILE_FAILED);
    assert_string_equal(why.text, "/dev/null is not a regular file");
}

static void test_relative_path(void **state)
{
    struct room *room = *state;
    struct jwta_why why;
    char *before = getcwd(NULL, 0);

    assert_non_null(before);
    assert_int_equal(chdir(room->directory), 0);
    assert_int_equal(read_it("file", JWTA_FILE_TRUSTED, &why), JWTA_FILE_OK);
    assert_int_equal(read_it("../in/file", JWTA_FILE_TRUSTED, &why), JWTA_FILE_OK);
    assert_int_equal(chmod(room->directory, 0777), 0);
    assert_int_equal(read_it("file", JWTA_FILE_TRUSTED, &why), JWTA_FILE_INSECURE);
    assert_memory_equal(why.text, room->directory, strlen(room->directory));
    assert_int_equal(chdir(before), 0);
    free(before);
}

static void test_open_directory(void **state)
{
    struct room *room = *state;
    struct jwta_why why = {0};
    int fd = -1;

    assert_int_equal(jwta_file_open_directory(room->directory, geteuid(), &fd, &why), JWTA_FILE_OK);
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    close(fd);
    fd = -1;
    /* Sticky keeps others from replacing files, not from adding some. */
    assert_int_equal(chmod(room->directory, 01777), 0);
    assert_int_equal(jwta_file_open_directory(room->directory, geteuid(), &fd, &why),
                     JWTA_FILE_INSECURE);
    assert_memory_equal(why.text, room->directory, strlen(room->directory));
    assert_int_equal(jwta_file_open_directory("/nowhere", geteuid(), &fd, &why), JWTA_FILE_MISSING);
    assert_int_equal(jwta_file_open_directory(room->file, geteuid(), &fd, &why), JWTA_FILE_MISSING);
    assert_int_equal(fd, -1);
}

static void test_identity(void **state)
{
    struct room *room = *state;
    struct jwta_file_id first = {0};
    struct jwta_file_id second = {0};
    struct jwta_file_id read_id = {0};
    struct jwta_buf buf = {0};
    char other[256];

    assert_true(jwta_file_identify(room->file, &first));
    assert_true(jwta_file_identify(room->file, &second));
    assert_true(jwta_file_same(&first, &second));
    assert_int_equal(
        jwta_file_read(room->file, JWTA_FILE_TRUSTED, geteuid(), 100, &buf, &read_id, NULL),
        JWTA_FILE_OK);
    jwta_buf_free(&buf);
    assert_true(jwta_file_same(&first, &read_id));

    const struct timespec times[2] = {{.tv_sec = 1000, .tv_nsec = 1}, {.tv_sec = 1000}};
    assert_int_equal(utimensat(AT_FDCWD, room->file, times, 0), 0);
    assert_true(jwta_file_identify(room->file, &second));
    assert_false(jwta_file_same(&first, &second));
    /* The same text and time in another file is another file. */
    snprintf(other, sizeof(other), "%s/other", room->directory);
    write_text(other, "hello");
    assert_int_equal(utimensat(AT_FDCWD, other, times, 0), 0);
    assert_true(jwta_file_identify(other, &first));
    assert_false(jwta_file_same(&first, &second));
    assert_int_equal(unlink(room->file), 0);
    assert_false(jwta_file_identify(room->file, &first));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, enter, leave)

/* A limit on the size of files ends no host: nothing is written, and no signal comes. */
static void test_size_limit(void **state)
{
    const struct room *room = *state;
    struct rlimit limit;
    struct rlimit low;
    struct jwta_why why = {0};

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    low = (struct rlimit){.rlim_cur = 4, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    assert_int_equal(jwta_file_write(room->file, jwta_span_of("1234"), 0644, &why), JWTA_FILE_OK);
    assert_int_equal(jwta_file_write(room->file, jwta_span_of("12345"), 0644, &why),
                     JWTA_FILE_FAILED);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_non_null(strstr(why.text, "File too large"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reads),
        TEST(test_replaces_the_buffer),
        TEST(test_empty_file),
        TEST(test_size),
        TEST(test_missing),
        TEST(test_mode),
        TEST(test_owner),
        TEST(test_directories),
        TEST(test_symbolic_links),
        TEST(test_links_of_others),
        TEST(test_hard_link),
        TEST(test_relative_path),
        TEST(test_only_regular_files),
        TEST(test_open_directory),
        TEST(test_identity),
        TEST(test_size_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
