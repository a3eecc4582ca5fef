/* SPDX-License-Identifier: BSD-2-Clause */
/* The cache of a writer that is whoever runs this, in a folder of its own. */
#include "common/cache.h"
#include "common/fetch.h"
#include "tests/unit/check.h"
#include "tests/unit/site.h"
#include "tests/unit/token.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW 2000000000

static char *folder; /* where the writer's files are */
static char *top;    /* cache_dir: the same for root */
static struct jwta_cache cache;

static int setup(void **state)
{
    (void)state;
    top = test_folder();
    assert_int_equal(chmod(top, 0755), 0);
    folder = geteuid() == 0 ? strdup(top) : test_format("%s/%lu", top, (unsigned long)geteuid());
    assert_true(geteuid() == 0 || mkdir(folder, 0755) == 0);
    cache = (struct jwta_cache){.directory = top, .writer = geteuid()};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (strcmp(folder, top) != 0)
        test_folder_remove(&folder);
    free(folder);
    test_folder_remove(&top);
    return 0;
}

static struct jwta_cache_entry entry_at(int64_t fetched)
{
    return (struct jwta_cache_entry){.issuer = jwta_span_of("https://idp.example"),
                                     .source = jwta_span_of("discover"),
                                     .uri = jwta_span_of("https://idp.example/keys"),
                                     .etag = jwta_span_of("\"v1\""),
                                     .body = jwta_span_of("{\"keys\":[]}\nbody 1\n"),
                                     .fetched = fetched,
                                     .freshness = 3600};
}

static enum jwta_file_status read_it(const char *issuer, const char *source,
                                     struct jwta_cache_entry *out, struct jwta_why *why)
{
    return jwta_cache_read(&cache, "corp", jwta_span_of(issuer), jwta_span_of(source), NOW, out,
                           why);
}

static void test_round(void **state)
{
    struct jwta_cache_entry entry = entry_at(NOW);
    struct jwta_cache_entry read = {0};
    struct jwta_why why = {0};

    (void)state;
    assert_int_equal(read_it("https://idp.example", "discover", &read, &why), JWTA_FILE_MISSING);
    assert_int_equal(jwta_cache_write(&cache, "corp", &entry, NULL, &why), JWTA_FILE_OK);
    assert_int_equal(read_it("https://idp.example", "discover", &read, &why), JWTA_FILE_OK);
    assert_true(jwta_span_equal(read.body, entry.body));
    assert_true(jwta_span_is(read.uri, "https://idp.example/keys"));
    assert_true(jwta_span_is(read.etag, "\"v1\""));
    assert_null(read.modified.data);
    assert_int_equal(read.fetched, NOW);
    assert_int_equal(read.freshness, 3600);
    jwta_cache_entry_free(&read);
}

static void test_of_another(void **state)
{
    struct jwta_cache_entry entry = entry_at(NOW);
    struct jwta_cache_entry read = {0};
    struct jwta_why why = {0};

    (void)state;
    assert_int_equal(jwta_cache_write(&cache, "corp", &entry, NULL, &why), JWTA_FILE_OK);
    assert_int_equal(read_it("https://idp.example/", "discover", &read, &why), JWTA_FILE_MISSING);
    assert_int_equal(read_it("https://idp.example", "https://idp.example/keys", &read, &why),
                     JWTA_FILE_MISSING);
    assert_null(read.text.data);
}

/* A value with a line end cannot make a line of its own. */
static void test_one_line(void **state)
{
    struct jwta_cache_entry entry = entry_at(NOW);
    struct jwta_cache_entry read = {0};
    struct jwta_why why = {0};

    (void)state;
    entry.etag = jwta_span_of("x\nmodified y");
    entry.uri = jwta_span_of("a\nfetched 1");
    assert_int_equal(jwta_cache_write(&cache, "corp", &entry, NULL, &why), JWTA_FILE_OK);
    assert_int_equal(read_it("https://idp.example", "discover", &read, &why), JWTA_FILE_OK);
    assert_null(read.etag.data);
    assert_null(read.uri.data);
    assert_int_equal(read.fetched, NOW);
    jwta_cache_entry_free(&read);
}

/* A file that was cut anywhere is not read for a whole one. */
static void test_cut(void **state)
{
    struct jwta_cache_entry entry = entry_at(NOW);
    struct jwta_cache_entry read = {0};
    struct jwta_why why = {0};
    char *path = test_format("%s/corp.jwks", folder);
    struct stat st;

    (void)state;
    assert_int_equal(jwta_cache_write(&cache, "corp", &entry, NULL, &why), JWTA_FILE_OK);
    assert_int_equal(stat(path, &st), 0);
    for (off_t len = st.st_size - 1; len >= 0; len--) {
        assert_int_equal(truncate(path, len), 0);
        assert_int_equal(read_it("https://idp.example", "discover", &read, &why), JWTA_FILE_FAILED);
        assert_non_null(strstr(why.text, "is damaged"));
    }
    free(path);
}

/* No bit of it can change unseen, be it one or several. */
static void test_flipped(void **state)
{
    struct jwta_cache_entry entry = entry_at(NOW);
    struct jwta_cache_entry read = {0};
    struct jwta_why why = {0};
    char *path = test_format("%s/corp.jwks", folder);
    struct jwta_buf text = {0};

    (void)state;
    assert_int_equal(jwta_cache_write(&cache, "corp", &entry, NULL, &why), JWTA_FILE_OK);
    assert_int_equal(
        jwta_file_read(path, JWTA_FILE_TRUSTED, geteuid(), JWTA_CACHE_FILE_MAX, &text, NULL, &why),
        JWTA_FILE_OK);
    for (size_t i = 0; i < text.len; i++) {
        for (unsigned mask = 1; mask < 256; mask = mask * 2) {
            char was = text.data[i];

            text.data[i] = (char)(was ^ (char)mask);
            assert_int_equal(jwta_file_write(path, jwta_buf_span(&text), 0644, &why), JWTA_FILE_OK);
            assert_int_equal(read_it("https://idp.example", "discover", &read, &why),
                             JWTA_FILE_FAILED);
            text.data[i] = was;
        }
    }
    jwta_buf_free(&text);
    free(path);
}

static void test_newer(void **state)
{
    (void)state;
    assert_true(jwta_cache_newer(NOW, NOW - 1, NOW));
    assert_false(jwta_cache_newer(NOW, NOW, NOW));
    assert_true(jwta_cache_newer(NOW + 50, NOW, NOW));
    /* Beyond what clocks may differ by, it is of a clock that was wrong. */
    assert_false(jwta_cache_newer(NOW + 1000, NOW, NOW));
    assert_true(jwta_cache_newer(NOW, NOW + 1000, NOW));
}

static void test_state(void **state)
{
    struct jwta_cache_state written = {.attempted = NOW,
                                       .failures = 2,
                                       .forced = NOW - 5,
                                       .barren = 3,
                                       .cause = "https://idp: HTTP status 500; 'x'"};
    struct jwta_cache_state read = {.attempted = 1};
    char *path = NULL;

    (void)state;
    jwta_cache_state_read(&cache, "corp", &read);
    assert_int_equal(read.attempted, 0);
    assert_true(jwta_cache_state_write(&cache, "corp", &written));
    jwta_cache_state_read(&cache, "corp", &read);
    assert_memory_equal(&read, &written, sizeof(read));
    memset(written.cause, 'c', sizeof(written.cause) - 1);
    written.attempted = written.failures = written.forced = written.barren = 999999999999999;
    assert_true(jwta_cache_state_write(&cache, "corp", &written));
    jwta_cache_state_read(&cache, "corp", &read);
    assert_memory_equal(&read, &written, sizeof(read));
    path = test_write(folder, "corp.state", "attempted 12\nfailures -1\n", 0644);
    jwta_cache_state_read(&cache, "corp", &read);
    assert_int_equal(read.attempted, 0);
    free(path);
    /* Before there was a cause, and one that was written by hand. */
    path = test_write(folder, "corp.state", "attempted 12\nfailures 1\nforced 0\nbarren 0\n", 0644);
    jwta_cache_state_read(&cache, "corp", &read);
    assert_int_equal(read.attempted, 12);
    assert_string_equal(read.cause, "");
    free(path);
    path = test_write(folder, "corp.state",
                      "attempted 12\nfailures 1\nforced 0\nbarren 0\ncause a \"b\"\x1b[2J\n", 0644);
    jwta_cache_state_read(&cache, "corp", &read);
    assert_string_equal(read.cause, "a 'b'?[2J");
    free(path);
}

/* Another process cannot have a lock that this one has, until it gives it back. */
static bool other_process_locks(void)
{
    pid_t child = fork();
    int status = 0;

    assert_true(child >= 0);
    if (child == 0)
        _exit(jwta_cache_lock(&cache, "corp", JWTA_TURN_FIRST) >= 0 ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void test_lock(void **state)
{
    const struct jwta_cache nowhere = {.directory = "/nonexistent/cache", .writer = geteuid()};
    int lock = jwta_cache_lock(&cache, "corp", JWTA_TURN_FIRST);
    int copy = dup(lock);
    struct stat st;

    (void)state;
    assert_true(lock >= 0 && copy >= 0);
    assert_int_equal(fcntl(lock, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    /* Who cannot open it cannot hold it. */
    assert_int_equal(fstat(lock, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(jwta_cache_lock(&cache, "corp", JWTA_TURN_FIRST), JWTA_LOCK_BUSY);
    assert_false(other_process_locks());
    jwta_cache_unlock(lock);
    /* Whoever else has a copy of the descriptor does not keep the lock by it. */
    assert_true(other_process_locks());
    assert_int_equal(close(copy), 0);
    assert_int_equal(jwta_cache_lock(&nowhere, "corp", JWTA_TURN_FIRST), JWTA_LOCK_NONE);
    jwta_cache_unlock(JWTA_LOCK_NONE);
}

/* A new file, a new identity; and no file, none. */
static void test_identity(void **state)
{
    struct jwta_cache_entry entry = entry_at(NOW);
    struct jwta_cache_ids before;
    struct jwta_cache_ids after;
    struct jwta_why why = {0};

    (void)state;
    jwta_cache_identify(&cache, "none", &before);
    assert_int_equal(before.root.ino, 0);
    assert_int_equal(jwta_cache_write(&cache, "corp", &entry, NULL, &why), JWTA_FILE_OK);
    jwta_cache_identify(&cache, "corp", &before);
    assert_int_equal(jwta_cache_write(&cache, "corp", &entry, NULL, &why), JWTA_FILE_OK);
    jwta_cache_identify(&cache, "corp", &after);
    assert_false(jwta_file_same(&before.root, &after.root) &&
                 jwta_file_same(&before.own, &after.own));
}

static int64_t published(void)
{
    struct jwta_cache_entry read = {0};
    struct jwta_why why = {0};
    int64_t fetched = 0;

    assert_int_equal(read_it("https://idp.example", "discover", &read, &why), JWTA_FILE_OK);
    fetched = read.fetched;
    jwta_cache_entry_free(&read);
    return fetched;
}

static struct jwta_cache_request request_now(void)
{
    struct jwta_cache_request request = {.began = jwta_monotonic_ms()};

    jwta_cache_identify(&cache, "corp", &request.before);
    return request;
}

/* Of two requests the one that began later is kept, whichever ends first. */
static void test_later_request(void **state)
{
    struct jwta_cache_entry first = entry_at(NOW);
    struct jwta_cache_entry second = entry_at(NOW + 20);
    const struct jwta_cache_request early = request_now();
    const struct jwta_cache_request late = request_now();
    struct jwta_cache_request again = {0};
    struct jwta_why why = {0};

    (void)state;
    assert_int_equal(jwta_cache_write(&cache, "corp", &second, &late, &why), JWTA_FILE_OK);
    assert_int_equal(jwta_cache_write(&cache, "corp", &first, &early, &why), JWTA_FILE_OK);
    assert_int_equal(published(), NOW + 20);
    /* What was there when the request began is replaced, though a clock was ahead then. */
    again = request_now();
    assert_int_equal(jwta_cache_write(&cache, "corp", &first, &again, &why), JWTA_FILE_OK);
    assert_int_equal(published(), NOW);
    /* And nothing is kept that was asked for longer ago than any answer takes. */
    again = request_now();
    again.began -= 60000;
    assert_int_equal(jwta_cache_write(&cache, "corp", &second, &again, &why), JWTA_FILE_FAILED);
    assert_non_null(strstr(why.text, "too late"));
    assert_int_equal(published(), NOW);
}

/* A writer that is stopped when it has looked, while another publishes. */
static enum jwta_file_status meanwhile(void *context, int directory, const char *temporary,
                                       struct jwta_why *why)
{
    const struct jwta_cache_entry *newer = context;
    const struct jwta_cache_request request = request_now();

    (void)directory;
    assert_non_null(temporary);
    assert_int_equal(jwta_cache_write(&cache, "corp", newer, &request, why), JWTA_FILE_OK);
    return JWTA_FILE_OK;
}

static void test_stopped_writer(void **state)
{
    struct jwta_cache_entry newer = entry_at(NOW + 20);
    const struct jwta_file_gate gate = {.may_replace = meanwhile, .context = &newer};
    struct jwta_why why = {0};
    char *path = test_format("%s/corp.jwks", folder);

    (void)state;
    assert_int_equal(jwta_file_replace(path, jwta_span_of("old"), 0644, &gate, &why),
                     JWTA_FILE_MISSING);
    assert_int_equal(published(), NOW + 20);
    free(path);
}

/* What killed writers leave behind goes: of key sets at once, of the state when it is old. */
static void test_sweep(void **state)
{
    static const struct {
        const char *name;
        bool old;
        bool goes;
    } files[] = {
        {".corp.jwks.0123456789abcdef", false, true},
        {".corp.jwks.0123456789abcdee", true, true},
        {".corp.state.0123456789abcdef", true, true},
        {".corp.state.0123456789abcdee", false, false},
        {".corp.other.jwks.0123456789abcdef", true, false},
        {".corp.jwks.0123456789abcde", true, false},
        {"corp.jwks.0123456789abcdef", true, false},
        {".xorp.jwks.0123456789abcdef", true, false},
    };
    const struct timespec past[2] = {{.tv_sec = NOW - 1000000}, {.tv_sec = NOW - 1000000}};
    struct jwta_cache_entry entry = entry_at(NOW);
    const struct jwta_cache_request request = request_now();
    struct jwta_why why = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char *path = test_write(folder, files[i].name, "", 0644);

        assert_true(!files[i].old || utimensat(AT_FDCWD, path, past, 0) == 0);
        free(path);
    }
    assert_int_equal(jwta_cache_write(&cache, "corp", &entry, &request, &why), JWTA_FILE_OK);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char *path = test_format("%s/%s", folder, files[i].name);

        assert_int_equal(access(path, F_OK) == 0, !files[i].goes);
        free(path);
    }
}

/* Whoever can write no keys clears away, too, but only what nobody writes any more. */
static void test_state_sweeps(void **state)
{
    static const char *const files[] = {".corp.jwks.0123456789abcdef",
                                        ".corp.state.0123456789abcdef"};
    const struct timespec past[2] = {{.tv_sec = NOW - 1000000}, {.tv_sec = NOW - 1000000}};
    const struct jwta_cache_state some = {.attempted = NOW};

    (void)state;
    for (size_t i = 0; i < 2 * COUNT_OF(files); i++) {
        char *path = test_write(folder, files[i / 2], "", 0644);
        bool old = i % 2 == 1;

        assert_true(!old || utimensat(AT_FDCWD, path, past, 0) == 0);
        assert_true(jwta_cache_state_write(&cache, "corp", &some));
        assert_int_equal(access(path, F_OK) == 0, !old);
        free(path);
    }
}

/* What HTTP cannot have meant is no cache file of ours. */
static void test_freshness(void **state)
{
    static const int64_t seconds[] = {0, 59, 60, 86400, 86401, 4294967295};
    struct jwta_cache_entry read = {0};
    struct jwta_why why = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        struct jwta_cache_entry entry = entry_at(NOW);

        entry.freshness = seconds[i];
        assert_int_equal(jwta_cache_write(&cache, "corp", &entry, NULL, &why), JWTA_FILE_OK);
        assert_int_equal(read_it("https://idp.example", "discover", &read, &why),
                         seconds[i] >= 60 && seconds[i] <= 86400 ? JWTA_FILE_OK : JWTA_FILE_FAILED);
        jwta_cache_entry_free(&read);
    }
}

/* Nothing is written where another could change it. */
static void test_writable(void **state)
{
    static const struct {
        mode_t mode;
        enum jwta_file_status status;
    } cases[] = {{0755, JWTA_FILE_OK},
                 {0775, JWTA_FILE_INSECURE},
                 {0757, JWTA_FILE_INSECURE},
                 {01777, JWTA_FILE_INSECURE}};
    const struct jwta_cache_state some = {.attempted = NOW};
    struct jwta_cache_entry entry = entry_at(NOW);
    struct jwta_why why = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(chmod(folder, cases[i].mode), 0);
        assert_int_equal(jwta_cache_writable(&cache, &why), cases[i].status);
        assert_int_equal(jwta_cache_write(&cache, "corp", &entry, NULL, &why), cases[i].status);
        assert_int_equal(jwta_cache_state_write(&cache, "corp", &some),
                         cases[i].status == JWTA_FILE_OK);
    }
    assert_int_equal(chmod(folder, 0755), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round, setup, teardown),
        cmocka_unit_test_setup_teardown(test_of_another, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flipped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_state, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lock, setup, teardown),
        cmocka_unit_test_setup_teardown(test_identity, setup, teardown),
        cmocka_unit_test_setup_teardown(test_later_request, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stopped_writer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sweep, setup, teardown),
        cmocka_unit_test_setup_teardown(test_state_sweeps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_freshness, setup, teardown),
        cmocka_unit_test_setup_teardown(test_writable, setup, teardown),
        cmocka_unit_test(test_newer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
