/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/jail.h"

#include "common/cache.h"
#include "common/keyset.h"
#include "tests/unit/check.h"
#include "tests/unit/site.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/mount.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

struct test_scene scene;

static void shell(const char *command, const char *top, const char *below)
{
    char *line = test_format("%s %s%s", command, top, below);

    if (system(line) != 0)
        fail_msg("%s", line);
    free(line);
}

/* A file below a folder, of this owner. */
static void put(const char *folder, const char *name, const char *text, mode_t mode, uid_t owner)
{
    char *path = test_write(folder, name, text, mode);

    assert_int_equal(chown(path, owner, (gid_t)-1), 0);
    free(path);
}

void put_key_file(const char *top, const struct test_key *key, mode_t mode, uid_t owner)
{
    char *folder = test_format("%s/etc", top);
    char *text = test_key_jwks(key, "k", NULL);

    put(folder, "keys.json", text, mode, owner);
    free(text);
    free(folder);
}

void put_cached(const char *top, const struct test_key *key, uid_t writer, int64_t age)
{
    char *folder = test_format("%s/cache", top);
    char *own = test_format("%s/%u", folder, (unsigned)writer);
    const struct jwta_cache cache = {.directory = folder, .writer = writer};
    char *text = test_key_jwks(key, "k", NULL);
    struct jwta_keyset *set = NULL;
    struct jwta_cache_entry entry = {.issuer = jwta_span_of("https://net.example"),
                                     .source = jwta_span_of("discover"),
                                     .fetched = scene.now - age,
                                     .freshness = FRESH};

    assert_code(jwta_keyset_parse(jwta_span_of(text), &set, NULL), JWTA_OK);
    assert_code(jwta_keyset_list(set, &entry.text), JWTA_OK);
    entry.body = jwta_buf_span(&entry.text);
    assert_int_equal(jwta_cache_write(&cache, "net", &entry, NULL, NULL), JWTA_FILE_OK);
    if (writer != 0) {
        char *path = test_format("%s/net.jwks", own);

        assert_int_equal(chown(path, writer, (gid_t)-1), 0);
        free(path);
    }
    jwta_cache_entry_free(&entry);
    jwta_keyset_unref(&set);
    free(text);
    free(own);
    free(folder);
}

int test_scene_make(void **state)
{
    (void)state;
    scene.now = (int64_t)time(NULL);
    scene.root = test_folder();
    assert_int_equal(chmod(scene.root, 0755), 0);
    shell("mkdir -p", scene.root, "/etc");
    shell("mkdir -p", scene.root, "/cache/65534");
    if (geteuid() == 0)
        shell("chown 65534", scene.root, "/cache/65534");
    scene.old_key = test_key_new("ES256");
    scene.new_key = test_key_new("ES256");
    scene.decoy_key = test_key_new("ES256");
    scene.conf_text = test_format("cache_dir: %s/cache\n"
                                  "issuers:\n"
                                  "  corp:\n"
                                  "    issuer: https://idp.example\n"
                                  "    jwks: file:%s/etc/keys.json\n"
                                  "    audience: login\n"
                                  "    username: ${sub}\n"
                                  "  net:\n"
                                  "    issuer: https://net.example\n"
                                  "    jwks: discover\n"
                                  "    audience: login\n"
                                  "    username: ${sub}\n"
                                  "services:\n"
                                  "  smtp: {issuers: [corp, net]}\n",
                                  scene.root, scene.root);
    return 0;
}

int test_scene_remove(void **state)
{
    (void)state;
    shell("rm -rf", scene.root, "");
    free(scene.conf_text);
    test_key_free(&scene.old_key);
    test_key_free(&scene.new_key);
    test_key_free(&scene.decoy_key);
    free(scene.root);
    return 0;
}

/* With the user that the fetch helper becomes: that it is not started there has another reason. */
void make_jail(void)
{
    char *jail = test_format("%s/jail%s", scene.root, scene.root);
    char *etc = test_format("%s/jail/etc", scene.root);

    shell("mkdir -p", jail, "/etc");
    shell("mkdir -p", jail, "/cache");
    put_key_file(jail, scene.decoy_key, 0644, 0);
    put_cached(jail, scene.decoy_key, 0, 0);
    shell("mkdir -p", scene.root, "/jail/etc");
    put(etc, "passwd", "nobody:x:65534:65534::/:/bin/false\n", 0644, 0);
    free(etc);
    free(jail);
}

enum jwta_code judge_kid(struct jwta_verifier *verifier, const char *issuer,
                         const struct test_key *key, const char *kid, int64_t later)
{
    char *header = test_format("{\"alg\":\"ES256\",\"kid\":\"%s\"}", kid);
    char *payload = test_format("{\"iss\":\"https://%s.example\",\"sub\":\"alice\","
                                "\"aud\":\"login\",\"exp\":%lld}",
                                issuer, (long long)(scene.now + later + 3600));
    char *token = test_sign(key, header, payload);
    const struct jwta_request request = {
        .token = jwta_span_of(token), .service = "smtp", .now = scene.now + later};
    struct jwta_result result;
    enum jwta_code code = JWTA_INTERNAL;

    jwta_auth(verifier, &request, &result);
    code = result.outcome == JWTA_ALLOWED ? JWTA_OK : result.why.code;
    jwta_result_free(&result);
    free(token);
    free(payload);
    free(header);
    return code;
}

enum jwta_code judge(struct jwta_verifier *verifier, const char *issuer, const struct test_key *key,
                     int64_t later)
{
    return judge_kid(verifier, issuer, key, "k", later);
}

/* ------------------------------------------------------------------ parent and child */

/* How a child asks its parent to do something outside, and hears that it was done. */
static int asking[2];
static int answering[2];

void outside(unsigned char step)
{
    assert_int_equal(write(asking[1], &step, 1), 1);
    assert_int_equal(read(answering[0], &step, 1), 1);
}

void run_child(void (*child)(void), void (*const *steps)(void))
{
    unsigned char step = 0;
    int status = -1;
    pid_t pid = -1;

    assert_int_equal(pipe(asking), 0);
    assert_int_equal(pipe(answering), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(asking[0]);
        (void)close(answering[1]);
        child();
        _exit(0);
    }
    (void)close(asking[1]);
    (void)close(answering[0]);
    while (read(asking[0], &step, 1) == 1) {
        steps[step]();
        assert_int_equal(write(answering[1], &step, 1), 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)close(asking[0]);
    (void)close(answering[1]);
    if (status != 0)
        fail_msg("the child ended with %d", status);
}

void enter_jail(void)
{
    char *jail = test_format("%s/jail", scene.root);

    CHECK(chroot(jail) == 0 && chdir("/") == 0);
    free(jail);
}

void become_other(void)
{
    CHECK(setgroups(0, NULL) == 0 && setgid(OTHER_UID) == 0 && setuid(OTHER_UID) == 0);
}

void test_need_root(void)
{
    if (geteuid() == 0)
        return;
    print_message("skipped: chroot(2) and setuid(2) are root's\n");
    skip();
}

void test_need_view(void)
{
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
    long view = -1;
    long made = -1;

    test_need_root();
    view = syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (view >= 0) {
        made = syscall(SYS_mount_setattr, view, "", AT_EMPTY_PATH, &attributes, sizeof(attributes));
        (void)close((int)view);
    }
    if (made == 0)
        return;
    print_message("skipped: no CAP_SYS_ADMIN, or a kernel before Linux 5.12\n");
    skip();
}
