/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/url.h"
#include "tests/unit/check.h"

#include <string.h>

#define NOT_HTTPS "is no https:// URL (http:// only to localhost, 127.0.0.1 or [::1])"

static void test_fault(void **state)
{
    static const struct {
        const char *url;
        unsigned allowed;
        const char *fault;
    } rows[] = {
        {"https://idp", 0, NULL},
        {"https://idp:8443/realms/a", 0, NULL},
        {"https://[2001:db8::1]:8443/", 0, NULL},
        {"https://idp/a@b", 0, NULL}, /* a path may have it */
        {"https://idp/keys?a=b@c", JWTA_URL_QUERY, NULL},
        {"https://idp/keys?a=b", JWTA_URL_PLAIN, "has a query (?)"},
        {"http://127.0.0.1", 0, NULL},
        {"http://127.0.0.1:80/", 0, NULL},
        {"http://[::1]:80/", 0, NULL},
        {"http://localhost/x", 0, NULL},
        {"http://proxy:3128", JWTA_URL_PLAIN, NULL},
        {"http://proxy:3128", JWTA_URL_QUERY, NOT_HTTPS},
        /* What only begins like this host. */
        {"http://127.0.0.1:x@127.0.0.2/", JWTA_URL_QUERY, "names a user"},
        {"http://127.0.0.1@127.0.0.2/", JWTA_URL_QUERY, "names a user"},
        {"http://localhost:80@127.0.0.2", JWTA_URL_QUERY, "names a user"},
        {"http://[::1]@127.0.0.2/", JWTA_URL_QUERY, "names a user"},
        {"http://localhost\\@127.0.0.2/", JWTA_URL_QUERY, "names a user"},
        {"http://localhost\\.example/", JWTA_URL_QUERY, NOT_HTTPS},
        {"http://localhost.", JWTA_URL_QUERY, NOT_HTTPS},
        {"http://LOCALHOST", JWTA_URL_QUERY, NOT_HTTPS},
        {"http://localhost%2eexample/", JWTA_URL_QUERY, NOT_HTTPS},
        {"http://localhost.example?x=http://localhost", JWTA_URL_QUERY, NOT_HTTPS},
        {"http://127.0.0.1.example", JWTA_URL_QUERY, NOT_HTTPS},
        {"http://127.1", JWTA_URL_QUERY, NOT_HTTPS},
        {"http://[::1]x", JWTA_URL_QUERY, "has a port that is no number"},
        {"http://[::1%25lo]", JWTA_URL_QUERY, NOT_HTTPS},
        {"http://localhost:", JWTA_URL_QUERY, "has a port that is no number"},
        {"http://localhost:80:80", JWTA_URL_QUERY, "has a port that is no number"},
        {"http://localhost:8 0", JWTA_URL_QUERY,
         "has white space or characters that no URL may have"},
        {"http://localhost#.example", JWTA_URL_QUERY, "has a fragment (#)"},
        /* A user is one whatever else is allowed. */
        {"https://me@idp", JWTA_URL_QUERY, "names a user"},
        {"https://me:secret@idp?x", JWTA_URL_QUERY, "names a user"},
        {"https://@idp", JWTA_URL_QUERY, "names a user"},
        {"http://me:secret@proxy:3128", JWTA_URL_PLAIN, "names a user"},
        {"ftp://idp", JWTA_URL_QUERY | JWTA_URL_PLAIN, "is no https:// URL"},
        {"", JWTA_URL_QUERY | JWTA_URL_PLAIN, "is no https:// URL"},
        {"http://", JWTA_URL_QUERY | JWTA_URL_PLAIN, "names no host"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *fault = jwta_url_fault(rows[i].url, rows[i].allowed);

        if (rows[i].fault == NULL)
            assert_null(fault);
        else
            assert_string_equal(fault, rows[i].fault);
    }
}

static void test_length(void **state)
{
    char url[JWTA_URL_MAX + 2] = "https://idp/";

    (void)state;
    memset(url + strlen(url), 'x', JWTA_URL_MAX - strlen(url));
    assert_null(jwta_url_fault(url, 0));
    url[JWTA_URL_MAX] = 'x';
    assert_string_equal(jwta_url_fault(url, 0), "is longer than 2048 bytes");
}

static void test_plain(void **state)
{
    (void)state;
    assert_true(jwta_url_is_plain("http://localhost/"));
    assert_false(jwta_url_is_plain("https://localhost/"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fault),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_plain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
