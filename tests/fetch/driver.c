/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host of the library for tests/fetch/run: does what its arguments say, one after the other, and
 * prints a line for each. What the library logs goes to standard error.
 *
 *   driver CONFIG HELPER REFRESHER EXPECTED STEP...
 *
 * A time is seconds since the epoch, or +N or -N from now. Issuers are those of the configuration;
 * the first is meant.
 *   get=TIME            "get CODE MS KIDS REASON"
 *   key=KID,TIME        finds a key as a login does: "key CODE MS REASON"
 *   renew=TIME          asks for a newer set than the current one: "renew CODE MS KIDS REASON"
 *   refresh=TIME        "refresh CODE MS"; force=TIME the same past every cache
 *   herd=N,KID          N processes at once do the same: "herd OK FAILED SLOWEST-MS"
 *   threads=N           N threads get the keys at once: "threads OK FAILED SLOW", SLOW took more
 * than 1.5 s threads=N,KID       N threads look for this kid, or, where it ends in *, for one of
 * their own flood=N,W[,TIME]    W processes look for N invented kids: "flood FOUND NOT-FOUND"
 *   set=TIMES,KID       time of one warm look-up in a process of its own, in ns: "set NS"
 *   lock=, lock2=       takes the issuer's first or second lock and keeps it: "lock yes|no"
 *   write=N             writes the cache N times over (0: for ever)
 *   close=FD, ignore=SIGNAL, block=SIGNAL, print=, sleep=MS, wait= (for a line of input)
 *   traces=             descriptors, signals and children: "traces TEXT"
 */
#include "common/cache.h"
#include "common/keys.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct jwta_fetch helper = {.user = JWTA_FETCH_USER};
static struct jwta_keys_options options;
static struct jwta_conf *conf;
static struct jwta_keys *keys;

static void must(bool ok, const char *what)
{
    if (!ok) {
        (void)fprintf(stderr, "driver: %s: %s\n", what, strerror(errno));
        exit(2);
    }
}

static void write_log(void *context, enum jwta_level level, const char *line)
{
    (void)context;
    (void)level;
    (void)dprintf(STDERR_FILENO, "log: %s\n", line);
}

static const struct jwta_log log_to_stderr = {.write = write_log};

static int64_t now_ns(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t elapsed_ms(int64_t since)
{
    return (now_ns() - since) / 1000000;
}

static int64_t time_of(const char *text)
{
    int64_t value = strtoll(text, NULL, 10);

    return text[0] == '+' || text[0] == '-' ? (int64_t)time(NULL) + value : value;
}

static struct jwta_keys *new_keys(void)
{
    struct jwta_keys *made = NULL;

    must(jwta_keys_new(conf, &options, &made) == JWTA_OK, "jwta_keys_new");
    return made;
}

static void print_kids(struct jwta_keyset *set)
{
    struct jwta_keyset_entry entry;

    if (set == NULL)
        (void)printf("-");
    for (size_t i = 0; set != NULL && i < 10 && jwta_keyset_at(set, i, &entry); i++)
        (void)printf("%s%.*s", i > 0 ? "," : "", (int)entry.jwk.kid.len, entry.jwk.kid.data);
}

static bool find(struct jwta_keyset *set, const char *kid)
{
    struct jwta_key *tries[JWTA_KEY_TRIES];
    size_t count = 0;
    bool more = false;
    struct jwta_why why = {0};

    return jwta_keyset_find(set, jwta_span_of(kid), jwta_alg_find(jwta_span_of("ES256")), tries,
                            &count, &more, &why) == JWTA_OK;
}

static enum jwta_code look_for(struct jwta_keys *in, const char *kid, int64_t now,
                               struct jwta_why *why)
{
    struct jwta_keyset *set = NULL;
    struct jwta_keyset *newer = NULL;
    enum jwta_code code = jwta_keys_get(in, &conf->issuers[0], now, &set, why);

    if (code == JWTA_OK && !find(set, kid)) {
        code = jwta_keys_renew(in, &conf->issuers[0], now, set, &newer, why);
        if (code == JWTA_OK && !find(newer, kid))
            code = jwta_fail(why, JWTA_NO_KEY, "not in the newer set either");
    }
    jwta_keyset_unref(&newer);
    jwta_keyset_unref(&set);
    return code;
}

static void do_get(const char *word, const char *value, bool renew)
{
    struct jwta_keyset *set = NULL;
    struct jwta_keyset *newer = NULL;
    struct jwta_why why = {0};
    int64_t start = now_ns();
    enum jwta_code code = jwta_keys_get(keys, &conf->issuers[0], time_of(value), &set, &why);

    if (renew && code == JWTA_OK) {
        code = jwta_keys_renew(keys, &conf->issuers[0], time_of(value), set, &newer, &why);
        jwta_keyset_unref(&set);
        set = newer;
    }
    (void)printf("%s %s %" PRId64 " ", word, jwta_code_name(code), elapsed_ms(start));
    print_kids(code == JWTA_OK ? set : NULL);
    (void)printf(" %s\n", code == JWTA_OK ? "" : why.text);
    jwta_keyset_unref(&set);
}

static void do_key(const char *value)
{
    const char *comma = strchr(value, ',');
    char *kid = strndup(value, (size_t)(comma - value));
    struct jwta_why why = {0};
    int64_t start = now_ns();
    enum jwta_code code = look_for(keys, kid, time_of(comma + 1), &why);

    (void)printf("key %s %" PRId64 " %s\n", jwta_code_name(code), elapsed_ms(start),
                 code == JWTA_OK ? "" : why.text);
    free(kid);
}

static void do_refresh(const char *word, const char *value, enum jwta_refresh how)
{
    struct jwta_why why = {0};
    int64_t start = now_ns();
    enum jwta_code code = jwta_keys_refresh(keys, &conf->issuers[0], time_of(value), how, &why);

    (void)printf("%s %s %" PRId64 " %s\n", word, jwta_code_name(code), elapsed_ms(start),
                 code == JWTA_OK ? "" : why.text);
}

/* Processes that wait for each other, and each then does the same; the slowest in milliseconds. */
static void do_herd(const char *value)
{
    const char *kid = strchr(value, ',') + 1;
    long count = strtol(value, NULL, 10);
    int gate[2];
    int results[2];
    int64_t slowest = 0;
    int64_t one = 0;
    long good = 0;

    must(pipe(gate) == 0 && pipe(results) == 0, "pipe");
    for (long i = 0; i < count; i++) {
        pid_t child = fork();

        must(child >= 0, "fork");
        if (child == 0) {
            struct jwta_why why = {0};
            char byte = 0;
            int64_t start = 0;

            (void)close(gate[1]);
            keys = new_keys();
            (void)!read(gate[0], &byte, 1);
            start = now_ns();
            one =
                look_for(keys, kid, (int64_t)time(NULL), &why) == JWTA_OK ? elapsed_ms(start) : -1;
            if (one < 0)
                (void)dprintf(STDERR_FILENO, "herd: %s\n", why.text);
            _exit(write(results[1], &one, sizeof(one)) == sizeof(one) ? 0 : 1);
        }
    }
    (void)close(gate[0]);
    (void)close(gate[1]);
    (void)close(results[1]);
    while (read(results[0], &one, sizeof(one)) == sizeof(one)) {
        good += one >= 0;
        slowest = one > slowest ? one : slowest;
    }
    (void)close(results[0]);
    while (wait(NULL) > 0)
        continue;
    (void)printf("herd %ld %ld %" PRId64 "\n", good, count - good, slowest);
}

/* What one thread is to find: a kid, or the keys where there is none. */
struct errand {
    char kid[64];
    bool good;
    int64_t ms;
};

static void *thread_find(void *context)
{
    struct errand *errand = context;
    struct jwta_keyset *set = NULL;
    struct jwta_why why = {0};
    int64_t start = now_ns();
    int64_t now = (int64_t)time(NULL);

    if (errand->kid[0] != '\0')
        errand->good = look_for(keys, errand->kid, now, &why) == JWTA_OK;
    else
        errand->good = jwta_keys_get(keys, &conf->issuers[0], now, &set, &why) == JWTA_OK;
    jwta_keyset_unref(&set);
    errand->ms = elapsed_ms(start);
    return NULL;
}

static void do_threads(const char *value)
{
    const char *kid = strchr(value, ',');
    size_t len = kid != NULL ? strlen(kid) - 1 : 0;
    bool own = len > 0 && kid[len] == '*';
    size_t count = (size_t)strtoul(value, NULL, 10);
    pthread_t *thread = calloc(count, sizeof(*thread));
    struct errand *errand = calloc(count, sizeof(*errand));
    size_t found = 0;
    size_t slow = 0;

    must(thread != NULL && errand != NULL, "calloc");
    for (size_t i = 0; i < count; i++) {
        if (kid != NULL)
            (void)snprintf(errand[i].kid, sizeof(errand[i].kid), own ? "%.*s%zu" : "%.*s",
                           (int)(own ? len - 1 : len), kid + 1, i);
        must(pthread_create(&thread[i], NULL, thread_find, &errand[i]) == 0, "pthread_create");
    }
    for (size_t i = 0; i < count; i++) {
        must(pthread_join(thread[i], NULL) == 0, "pthread_join");
        found += errand[i].good;
        slow += errand[i].ms > 1500;
    }
    (void)printf("threads %zu %zu %zu\n", found, count - found, slow);
    free(thread);
    free(errand);
}

/* Each look-up has a library of its own, which remembers nothing, as a process would have. */
static void do_flood(const char *value)
{
    char *end = NULL;
    long workers = strtol(strchr(value, ',') + 1, &end, 10);
    const char *at = *end == ',' ? end + 1 : "+0";
    long each = strtol(value, NULL, 10) / workers;
    int results[2];
    long found = 0;
    long one = 0;

    must(pipe(results) == 0, "pipe");
    for (long i = 0; i < workers; i++) {
        pid_t child = fork();

        must(child >= 0, "fork");
        for (long j = 0; child == 0 && j < each; j++) {
            struct jwta_why why = {0};
            char kid[64];

            (void)snprintf(kid, sizeof(kid), "invented-%ld-%ld", i, j);
            keys = new_keys();
            one += look_for(keys, kid, time_of(at), &why) == JWTA_OK;
            jwta_keys_free(&keys);
        }
        if (child == 0)
            _exit(write(results[1], &one, sizeof(one)) == sizeof(one) ? 0 : 1);
    }
    (void)close(results[1]);
    while (read(results[0], &one, sizeof(one)) == sizeof(one))
        found += one;
    (void)close(results[0]);
    while (wait(NULL) > 0)
        continue;
    (void)printf("flood %ld %ld\n", found, each * workers - found);
}

/* The whole of a warm look-up by a process that knows nothing yet: the median of several. */
static int by_value(const void *a, const void *b)
{
    const int64_t *left = a;
    const int64_t *right = b;

    return (*left > *right) - (*left < *right);
}

static void do_set(const char *value)
{
    const char *kid = strchr(value, ',') + 1;
    size_t count = (size_t)strtoul(value, NULL, 10);
    int64_t *times = calloc(count, sizeof(*times));

    must(times != NULL, "calloc");
    for (size_t i = 0; i < count; i++) {
        struct jwta_why why = {0};
        int64_t start = now_ns();
        struct jwta_keys *one = new_keys();

        must(look_for(one, kid, (int64_t)time(NULL), &why) == JWTA_OK, why.text);
        times[i] = now_ns() - start;
        jwta_keys_free(&one);
    }
    qsort(times, count, sizeof(*times), by_value);
    (void)printf("set %" PRId64 "\n", times[count / 2]);
    free(times);
}

static void do_lock(enum jwta_cache_turn turn)
{
    const struct jwta_cache cache = {.directory = conf->cache_dir.text, .writer = options.expected};

    (void)printf("lock %s\n",
                 jwta_cache_lock(&cache, conf->issuers[0].name, turn) >= 0 ? "yes" : "no");
}

/* What was read is written again, a second older each time. */
static void do_write(const char *value)
{
    const struct jwta_cache cache = {.directory = conf->cache_dir.text, .writer = options.expected};
    const struct jwta_issuer *issuer = &conf->issuers[0];
    struct jwta_span source = jwta_span_of(issuer->jwks.place);
    struct jwta_cache_entry entry = {0};
    struct jwta_why why = {0};
    long count = strtol(value, NULL, 10);

    must(jwta_cache_read(&cache, issuer->name, jwta_span_of(issuer->issuer.text), source,
                         (int64_t)time(NULL), &entry, &why) == JWTA_FILE_OK,
         why.text);
    (void)printf("write\n");
    (void)fflush(stdout);
    for (long i = 0; count == 0 || i < count; i++)
        must(jwta_cache_write(&cache, issuer->name, &entry, NULL, &why) == JWTA_FILE_OK, why.text);
    jwta_cache_entry_free(&entry);
}

/* What a host would miss or find too many: descriptors, children, signals. */
static void do_traces(void)
{
    DIR *listing = opendir("/proc/self/fd");
    FILE *status = fopen("/proc/self/status", "re");
    char line[256];
    int count = 0;

    must(listing != NULL && status != NULL, "/proc/self");
    while (readdir(listing) != NULL)
        count++;
    (void)closedir(listing);
    (void)printf("traces descriptors %d", count);
    while (fgets(line, sizeof(line), status) != NULL) {
        if (strncmp(line, "Sig", 3) == 0 && strncmp(line, "SigQ", 4) != 0)
            (void)printf(" %.*s", (int)strcspn(line, "\n"), line);
    }
    (void)fclose(status);
    (void)printf(" %s\n", waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD ? "no child" : "child");
}

static void set_signal(const char *value, bool block)
{
    int number = (int)strtol(value, NULL, 10);
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, number);
    if (block)
        must(sigprocmask(SIG_BLOCK, &set, NULL) == 0, "sigprocmask");
    else
        must(signal(number, SIG_IGN) != SIG_ERR, "signal");
}

static void do_rest(const char *word, const char *value)
{
    char line[64];

    if (strcmp(word, "lock") == 0)
        do_lock(JWTA_TURN_FIRST);
    else if (strcmp(word, "lock2") == 0)
        do_lock(JWTA_TURN_SECOND);
    else if (strcmp(word, "write") == 0)
        do_write(value);
    else if (strcmp(word, "set") == 0)
        do_set(value);
    else if (strcmp(word, "traces") == 0)
        do_traces();
    else if (strcmp(word, "close") == 0)
        (void)close((int)strtol(value, NULL, 10));
    else if (strcmp(word, "ignore") == 0 || strcmp(word, "block") == 0)
        set_signal(value, word[0] == 'b');
    else if (strcmp(word, "sleep") == 0)
        (void)usleep((useconds_t)strtoul(value, NULL, 10) * 1000);
    else if (strcmp(word, "wait") == 0)
        must(fgets(line, sizeof(line), stdin) != NULL, "standard input");
    else
        must(false, word);
}

static void step(const char *argument)
{
    const char *equals = strchr(argument, '=');
    char word[32];

    must(equals != NULL, argument);
    (void)snprintf(word, sizeof(word), "%.*s", (int)(equals - argument), argument);
    if (strcmp(word, "get") == 0 || strcmp(word, "renew") == 0)
        do_get(word, equals + 1, word[0] == 'r');
    else if (strcmp(word, "key") == 0)
        do_key(equals + 1);
    else if (strcmp(word, "refresh") == 0)
        do_refresh(word, equals + 1, JWTA_REFRESH_DUE);
    else if (strcmp(word, "force") == 0)
        do_refresh(word, equals + 1, JWTA_REFRESH_FORCE);
    else if (strcmp(word, "herd") == 0)
        do_herd(equals + 1);
    else if (strcmp(word, "threads") == 0)
        do_threads(equals + 1);
    else if (strcmp(word, "flood") == 0)
        do_flood(equals + 1);
    else
        do_rest(word, equals + 1);
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    struct jwta_problems problems = {0};
    uid_t expected = 0;

    must(argc > 4, "arguments");
    expected = (uid_t)strtoul(argv[4], NULL, 10);
    helper.helper = argv[2];
    options = (struct jwta_keys_options){.config = argv[1],
                                         .expected = expected,
                                         .trust = JWTA_FILE_TRUSTED,
                                         .fetch = &helper,
                                         .refresher = argv[3],
                                         .log = &log_to_stderr};
    if (jwta_conf_load(argv[1], expected, &jwta_host_system, &conf, &problems) != JWTA_OK) {
        for (size_t i = 0; i < problems.count; i++)
            (void)fprintf(stderr, "driver: %u: %s\n", problems.item[i].line, problems.item[i].text);
        return 2;
    }
    jwta_problems_free(&problems);
    keys = new_keys();
    for (int i = 5; i < argc; i++)
        step(argv[i]);
    jwta_keys_free(&keys);
    jwta_conf_free(&conf);
    return 0;
}
