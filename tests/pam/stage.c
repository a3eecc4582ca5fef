/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/pam/stage.h"

#include <ftw.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MODULE JWTA_BUILD_DIR "/pam_jwt/.libs/pam_jwt.so"
#define RECORDER JWTA_BUILD_DIR "/tests/pam/.libs/recorder.so"
#define AGAIN "JWTA_TEST_STAGE"

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
                             "mail:x:8:8:mail:/var/mail:/bin/sh\n"
                             "alice:x:2000:2000:Alice:/home/alice:/bin/sh\n"
                             "bob:x:2001:2001:Bob:/home/bob:/bin/sh\n";

static const char group[] = "root:x:0:\nadm:x:4:\nalice:x:2000:\nbob:x:2001:\n";

static const char configuration[] = "clock_skew: 30s\n"
                                    "issuers:\n"
                                    "  lab:\n"
                                    "    issuer: https://idp.lab\n"
                                    "    jwks: file:@dir@/jwks.json\n"
                                    "    audience: [https://login.lab]\n"
                                    "    username: ${preferred_username}\n"
                                    "    roles: [/roles]\n"
                                    "    groups:\n"
                                    "      ops: [adm]\n"
                                    "services:\n"
                                    "  login:\n"
                                    "    issuers: [lab]\n"
                                    "    allow_roles: [ops]\n"
                                    "  strict:\n"
                                    "    issuers: [lab]\n"
                                    "    allow_roles: [ops]\n"
                                    "    grant: required\n"
                                    "  watch:\n"
                                    "    issuers: [lab]\n"
                                    "    allow_roles: [ops]\n"
                                    "    grant: required\n"
                                    "    observe: yes\n"
                                    "  sudo:\n"
                                    "    issuers: [lab]\n"
                                    "    allow_roles: [ops]\n";

static void must(bool well, const char *what)
{
    if (!well) {
        perror(what);
        exit(1);
    }
}

/* Makes the folder before the program is run again: the wrappers read its path at their start. */
static char *make_folder(void)
{
    const char *parent = getenv("TMPDIR");
    char *dir = test_format("%s/jwtauth-pam-XXXXXX", parent != NULL ? parent : "/tmp");

    must(mkdtemp(dir) != NULL, dir);
    return dir;
}

/*
 * pam_wrapper copies its folder when the program starts, before there is a test that writes a
 * stack. So that folder has stacks which include those that will be written.
 */
static char *make_includes(const char *dir)
{
    static const char *const services[] = {"login", "strict", "other"};
    char *folder = test_format("%s/wrapped", dir);

    must(mkdir(folder, 0755) == 0, folder);
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        char *path = test_format("%s/%s", folder, services[i]);
        FILE *file = fopen(path, "w");

        must(file != NULL, path);
        fprintf(file,
                "auth include %1$s/pam.d/%2$s\naccount include %1$s/pam.d/%2$s\n"
                "session include %1$s/pam.d/%2$s\n",
                dir, services[i]);
        must(fclose(file) == 0, path);
        free(path);
    }
    return folder;
}

static void set(const char *name, char *value)
{
    must(setenv(name, value, 1) == 0, name);
    free(value);
}

void stage_preload(char **argv, const char *libraries)
{
    const char *options = getenv("ASAN_OPTIONS");
    char *dir = NULL;

    if (getenv(AGAIN) != NULL)
        return;
    dir = make_folder();
    set("NSS_WRAPPER_PASSWD", test_format("%s/passwd", dir));
    set("NSS_WRAPPER_GROUP", test_format("%s/group", dir));
    /* The preloaded libraries come before that of a sanitizer, which minds unless told not to. */
    set("ASAN_OPTIONS", test_format("%s:verify_asan_link_order=0", options != NULL ? options : ""));
    if (strstr(libraries, "uid_wrapper") != NULL) {
        set("UID_WRAPPER", test_format("1"));
        set("UID_WRAPPER_ROOT", test_format("1"));
    }
    if (strstr(libraries, "pam_wrapper") != NULL) {
        set("PAM_WRAPPER", test_format("1"));
        set("PAM_WRAPPER_SERVICE_DIR", make_includes(dir));
    }
    set("LD_PRELOAD", test_format("%s", libraries));
    set(AGAIN, dir);
    execv("/proc/self/exe", argv);
    must(false, "execv");
}

static char *expand(const struct stage *stage, const char *text)
{
    const struct {
        const char *name;
        const char *value;
    } names[] = {
        {"@jwt@", MODULE " config=@dir@/jwtauth.yaml"},
        {"@module@", MODULE},
        {"@recorder@", RECORDER},
        {"@dir@", stage->dir},
    };
    char *out = test_format("%s", text);

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char *at = NULL;

        while ((at = strstr(out, names[i].name)) != NULL) {
            char *longer = test_format("%.*s%s%s", (int)(at - out), out, names[i].value,
                                       at + strlen(names[i].name));

            free(out);
            out = longer;
        }
    }
    return out;
}

void stage_write(const struct stage *stage, const char *path, mode_t mode, const char *text)
{
    char *place = test_format("%s/%s", stage->dir, path);
    char *expanded = expand(stage, text);
    FILE *file = NULL;

    (void)unlink(place);
    file = fopen(place, "w");
    must(file != NULL, place);
    must(fputs(expanded, file) >= 0 && fclose(file) == 0, place);
    must(chmod(place, mode) == 0, place);
    free(expanded);
    free(place);
}

void stage_stack(const struct stage *stage, const char *service, const char *text)
{
    char *path = test_format("pam.d/%s", service);

    stage_write(stage, path, 0644, text);
    free(path);
}

void stage_restore(const struct stage *stage)
{
    char *keys = test_key_jwks(stage->key, "lab-1", "ES256");

    must(chmod(stage->dir, 0755) == 0, stage->dir);
    stage_write(stage, "jwtauth.yaml", 0644, configuration);
    stage_write(stage, "jwks.json", 0644, keys);
    free(keys);
}

struct stage *stage_open(void)
{
    struct stage *stage = calloc(1, sizeof(*stage));

    must(stage != NULL && getenv(AGAIN) != NULL, "stage_preload comes first");
    stage->dir = test_format("%s", getenv(AGAIN));
    stage->pam_dir = test_format("%s/pam.d", stage->dir);
    stage->key = test_key_new("ES256");
    must(mkdir(stage->pam_dir, 0755) == 0, stage->pam_dir);
    stage_write(stage, "passwd", 0644, passwd);
    stage_write(stage, "group", 0644, group);
    stage_stack(stage, "other", "auth required pam_deny.so\naccount required pam_deny.so\n");
    stage_restore(stage);
    must(getpwnam("alice") != NULL && getpwnam("ghost") == NULL,
         "users do not come from the file: is libnss_wrapper installed?");
    must(access(MODULE, R_OK) == 0, MODULE);
    must(access(RECORDER, R_OK) == 0, RECORDER);
    return stage;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void stage_close(struct stage **stage)
{
    if (*stage == NULL)
        return;
    (void)nftw((*stage)->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free((*stage)->dir);
    free((*stage)->pam_dir);
    test_key_free(&(*stage)->key);
    free(*stage);
    *stage = NULL;
}

uid_t stage_owner(const struct stage *stage)
{
    struct stat status = {0};

    must(stat(stage->dir, &status) == 0, stage->dir);
    return status.st_uid;
}

void stage_give(const struct stage *stage, uid_t uid)
{
    static const char *const names[] = {".", "jwtauth.yaml", "jwks.json"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char *path = test_format("%s/%s", stage->dir, names[i]);

        must(chown(path, uid, (gid_t)-1) == 0, path);
        free(path);
    }
}

char *stage_token_for(const struct stage *stage, const char *user, const char *audience,
                      long expires_in)
{
    long now = (long)time(NULL);
    char *payload = test_format("{\"iss\":\"https://idp.lab\",\"sub\":\"s-%s\",\"aud\":\"%s\","
                                "\"jti\":\"id-%s\",\"iat\":%ld,\"exp\":%ld,"
                                "\"preferred_username\":\"%s\",\"roles\":[\"ops\"]}",
                                user, audience, user, now - 5, now + expires_in, user);
    char *token =
        test_sign(stage->key, "{\"alg\":\"ES256\",\"kid\":\"lab-1\",\"typ\":\"JWT\"}", payload);

    free(payload);
    return token;
}

char *stage_token(const struct stage *stage, const char *user)
{
    return stage_token_for(stage, user, "https://login.lab", 300);
}
