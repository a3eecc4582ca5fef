/* SPDX-License-Identifier: BSD-2-Clause */
/* Two writers of the cache that meet, one between the other's last look and its place. */
#include "common/cache.h"
#include "common/fetch.h"
#include "tests/unit/check.h"
#include "tests/unit/site.h"
#include "tests/unit/token.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOW 2000000000
#define OTHERS ".corp.jwks.0123456789abcdef" /* what another writer has ready */

static char *folder; /* where the writer's files are */
static char *top;    /* cache_dir: the same for root */
static struct jwta_cache cache;

/* What happens, once, before a file gets its place, and behind that. */
static void (*before)(int directory, const char *temporary);
static void (*behind)(void);

/* In the place of libc's, for this program alone. */
int renameat(int from, const char *old, int to, const char *new)
{
    void (*now)(int, const char *) = before;
    void (*then)(void) = behind;
    long result = 0;

    before = NULL;
    behind = NULL;
    if (now != NULL)
        now(from, old);
    result = syscall(SYS_renameat2, from, old, to, new, 0);
    if (then != NULL)
        then();
    return (int)result;
}

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
    assert_true(before == NULL && behind == NULL);
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
                                     .body = jwta_span_of("{\"keys\":[]}\n"),
                                     .fetched = fetched,
                                     .freshness = 3600};
}

/* Writes what a request that begins now has brought. */
static void publish(int64_t fetched)
{
    const struct jwta_cache_entry entry = entry_at(fetched);
    struct jwta_cache_request request = {.began = jwta_monotonic_ms()};
    struct jwta_why why = {0};

    jwta_cache_identify(&cache, "corp", &request.before);
    assert_int_equal(jwta_cache_write(&cache, "corp", &entry, &request, &why), JWTA_FILE_OK);
}

static int64_t published(void)
{
    struct jwta_cache_entry read = {0};
    int64_t fetched = 0;

    assert_int_equal(jwta_cache_read(&cache, "corp", jwta_span_of("https://idp.example"),
                                     jwta_span_of("discover"), NOW, &read, NULL),
                     JWTA_FILE_OK);
    fetched = read.fetched;
    jwta_cache_entry_free(&read);
    return fetched;
}

static bool others_is_there(void)
{
    char *path = test_format("%s/" OTHERS, folder);
    bool there = access(path, F_OK) == 0;

    free(path);
    return there;
}

static void make_others(void)
{
    free(test_write(folder, OTHERS, "", 0644));
}

static void has_cleared(int directory, const char *temporary)
{
    assert_int_equal(faccessat(directory, temporary, F_OK, 0), 0);
    assert_false(others_is_there());
}

/* Whoever had a file ready when the place is taken has none any more. */
static void test_ready_before(void **state)
{
    (void)state;
    make_others();
    before = has_cleared;
    publish(NOW);
    assert_int_equal(published(), NOW);
}

static void begin_others(int directory, const char *temporary)
{
    (void)directory;
    (void)temporary;
    make_others();
}

/* Nor who looked and made one before it was. */
static void test_ready_meanwhile(void **state)
{
    (void)state;
    before = begin_others;
    publish(NOW);
    assert_false(others_is_there());
    assert_int_equal(published(), NOW);
}

static void write_earlier(void)
{
    const struct jwta_cache_entry earlier = entry_at(NOW - 20);

    assert_int_equal(jwta_cache_write(&cache, "corp", &earlier, NULL, NULL), JWTA_FILE_OK);
}

/* An earlier request that took the place after all is put right. */
static void test_overtaken(void **state)
{
    (void)state;
    behind = write_earlier;
    publish(NOW);
    assert_int_equal(published(), NOW);
}

static void clear_away(int directory, const char *temporary)
{
    assert_int_equal(unlinkat(directory, temporary, 0), 0);
}

/* Whose file another writer has cleared away makes it again. */
static void test_cleared_away(void **state)
{
    (void)state;
    before = clear_away;
    publish(NOW);
    assert_int_equal(published(), NOW);
}

/* What was published meanwhile by a clock that is ahead is no later request's. */
static void test_clock_ahead(void **state)
{
    const struct jwta_cache_entry ahead = entry_at(NOW + 1000);
    const struct jwta_cache_entry entry = entry_at(NOW);
    struct jwta_cache_request request = {.began = jwta_monotonic_ms()};

    (void)state;
    jwta_cache_identify(&cache, "corp", &request.before);
    assert_int_equal(jwta_cache_write(&cache, "corp", &ahead, NULL, NULL), JWTA_FILE_OK);
    assert_int_equal(jwta_cache_write(&cache, "corp", &entry, &request, NULL), JWTA_FILE_OK);
    assert_int_equal(published(), NOW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ready_before, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ready_meanwhile, setup, teardown),
        cmocka_unit_test_setup_teardown(test_overtaken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cleared_away, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clock_ahead, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
