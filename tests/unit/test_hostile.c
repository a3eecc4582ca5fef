/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tokens of an attacker, each refused for its own reason by the call that every host makes. The
 * attacker has no key of the issuer but sees everything public; where a row is signed by the
 * issuer's key, the issuer is careless or the token was meant for something else.
 */
#include "tests/unit/hostile.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static void test_controls(void **state)
{
    (void)state;
    for (size_t i = 0; hostile_names[i] != NULL; i++) {
        bool secret = strncmp(hostile_names[i], "HS", 2) == 0;
        char *header =
            test_format("{\"alg\":\"%s\",\"kid\":\"%s\"}", hostile_names[i], hostile_names[i]);
        char *payload =
            test_format("{\"iss\":\"https://%s.example\"," REST "}", secret ? "local" : "idp");

        expect_made(hostile_names[i], test_sign(hostile_key(hostile_names[i]), header, payload),
                    JWTA_OK);
        free(header);
        header = test_format("{\"alg\":\"%s\"}", hostile_names[i]);
        expect_made(hostile_names[i], test_sign(hostile_key(hostile_names[i]), header, payload),
                    JWTA_OK);
        free(header);
        free(payload);
    }
}

/* RFC 8725 section 2.1. */
static void test_none(void **state)
{
    static const char *const spellings[] = {
        "none", "None", "NONE", "nOnE", "NonE", "n\\u006fne", "\\u004eONE",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(spellings); i++) {
        char *header = test_format("{\"alg\":\"%s\",\"kid\":\"ES256\"}", spellings[i]);
        char *token = hostile_issued(header, GOOD);

        expect(spellings[i], token, JWTA_ALG_NONE);
        strrchr(token, '.')[1] = '\0';
        expect(spellings[i], token, JWTA_ALG_NONE);
        strrchr(token, '.')[0] = '\0';
        expect(spellings[i], token, JWTA_NOT_JWT);
        free(token);
        free(header);
    }
    expect_made("none and a space", hostile_issued("{\"alg\":\"none \"}", GOOD), JWTA_ALG_UNKNOWN);
    expect_made("null", hostile_issued("{\"alg\":null}", GOOD), JWTA_HEADER_TYPE);
    expect_made("empty", hostile_issued("{\"alg\":\"\"}", GOOD), JWTA_ALG_UNKNOWN);
    expect_made("absent", hostile_issued("{\"kid\":\"ES256\"}", GOOD), JWTA_ALG_MISSING);
    expect_made("a list", hostile_issued("{\"alg\":[\"ES256\",\"none\"]}", GOOD), JWTA_HEADER_TYPE);
}

/* The bytes of a public key in PEM. */
static size_t der_of(const char *pem, unsigned char *out, size_t size)
{
    char body[800] = {0};
    size_t used = 0;

    for (const char *p = strchr(pem, '\n'); *p != '-'; p++) {
        if (*p != '\n')
            body[used++] = *p;
    }
    assert_true(used < sizeof(body) && used / 4 * 3 <= size);
    assert_true(EVP_DecodeBlock(out, (const unsigned char *)body, (int)used) > 0);
    return used / 4 * 3 - (body[used - 1] == '=') - (body[used - 2] == '=');
}

/* The public key as a secret, in every form in which it can be had. */
static void test_confusion_hmac(void **state)
{
    static const char *const owners[] = {"RS256", "ES256"};
    static const char local[] = "{\"iss\":\"https://local.example\"," REST "}";
    struct test_key *empty = test_key_secret("HS256", "", 0);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(owners); i++) {
        const struct test_key *owner = hostile_key(owners[i]);
        char *pem = test_key_pem(owner);
        char *stripped = test_format("%.*s", (int)strlen(pem) - 1, pem);
        char *jwk = test_key_jwk(owner, owners[i], NULL);
        char *set = test_key_jwks(owner, owners[i], NULL);
        unsigned char der[600];
        const struct {
            const void *bytes;
            size_t len;
        } secrets[] = {{pem, strlen(pem)},
                       {stripped, strlen(stripped)},
                       {jwk, strlen(jwk)},
                       {set, strlen(set)},
                       {der, der_of(pem, der, sizeof(der))}};
        char *header = test_format("{\"alg\":\"HS256\",\"kid\":\"%s\"}", owners[i]);

        for (size_t k = 0; k < COUNT_OF(secrets); k++) {
            struct test_key *forged = test_key_secret("HS256", secrets[k].bytes, secrets[k].len);

            expect_made("kid of a public key", test_sign(forged, header, GOOD),
                        JWTA_ALG_NOT_ALLOWED);
            expect_made("no kid", test_sign(forged, "{\"alg\":\"HS256\"}", GOOD),
                        JWTA_ALG_NOT_ALLOWED);
            expect_made("issuer of secrets, kid of a public key", test_sign(forged, header, local),
                        JWTA_NO_KEY);
            expect_made("issuer of secrets", test_sign(forged, "{\"alg\":\"HS256\"}", local),
                        JWTA_SIGNATURE);
            test_key_free(&forged);
        }
        free(header);
        free(set);
        free(jwk);
        free(stripped);
        free(pem);
    }
    expect_made("an empty secret", test_sign(empty, "{\"alg\":\"HS256\"}", local), JWTA_SIGNATURE);
    test_key_free(&empty);
}

/* One algorithm's key under another's name, by the issuer's own key. */
static void test_confusion(void **state)
{
    static const struct {
        const char *key;
        const char *alg;
        const char *kid; /* empty: none in the header */
        enum jwta_code code;
    } rows[] = {
        {"ES256", "RS256", "ES256", JWTA_KEY_MISFIT},
        {"RS256", "ES256", "RS256", JWTA_KEY_MISFIT},
        {"EdDSA", "ES256", "EdDSA", JWTA_KEY_MISFIT},
        {"ES256", "EdDSA", "ES256", JWTA_KEY_MISFIT},
        {"ES256", "ES384", "ES256", JWTA_KEY_MISFIT},
        {"ES384", "ES256", "ES384", JWTA_KEY_MISFIT},
        {"ES256", "ES256K", "ES256", JWTA_KEY_MISFIT},
        {"ES256K", "ES256", "ES256K", JWTA_KEY_MISFIT},
        {"ES256K", "ES256", "ES256", JWTA_SIGNATURE},
        {"ES256", "ES256K", "", JWTA_SIGNATURE},
        {"Ed448", "Ed25519", "Ed448", JWTA_KEY_MISFIT},
        {"Ed25519", "Ed448", "Ed25519", JWTA_KEY_MISFIT},
        {"Ed448", "EdDSA", "Ed25519", JWTA_SIGNATURE_LENGTH},
        {"EdDSA", "EdDSA", "Ed448", JWTA_SIGNATURE_LENGTH},
        {"Ed448", "Ed25519", "", JWTA_SIGNATURE_LENGTH},
        {"RS256", "PS256", "RS256", JWTA_SIGNATURE},
        {"PS256", "RS256", "PS256", JWTA_SIGNATURE},
        {"RS256", "RS512", "RS256", JWTA_SIGNATURE},
        {"PS256", "PS384", "PS256", JWTA_SIGNATURE},
        {"RS256", "PS512", "", JWTA_SIGNATURE},
        {"ES512", "ES256", "ES256", JWTA_SIGNATURE_LENGTH},
        {"RS256", "ES256", "ES256", JWTA_SIGNATURE_LENGTH},
        {"ES256", "RS256", "RS256", JWTA_SIGNATURE_LENGTH},
        {"HS256", "RS256", "RS256", JWTA_SIGNATURE_LENGTH},
        {"ES256", "ES521", "ES256", JWTA_ALG_UNKNOWN},
        {"ES256", "es256", "ES256", JWTA_ALG_UNKNOWN},
        {"RS256", "RSA1_5", "RS256", JWTA_ALG_UNKNOWN},
        {"RS256", "RSA-OAEP", "RS256", JWTA_ALG_UNKNOWN},
        {"RS256", "RS1", "RS256", JWTA_ALG_UNKNOWN},
        {"ES256", "ML-DSA-44", "ES256", JWTA_ALG_NOT_ALLOWED},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char *name = test_format("key %s, alg %s", rows[i].key, rows[i].alg);
        char *header = rows[i].kid[0] != '\0' ? test_format("{\"alg\":\"%s\",\"kid\":\"%s\"}",
                                                            rows[i].alg, rows[i].kid)
                                              : test_format("{\"alg\":\"%s\"}", rows[i].alg);

        expect_made(name, test_sign(hostile_key(rows[i].key), header, GOOD), rows[i].code);
        free(header);
        free(name);
    }
    expect_made("an algorithm that this issuer does not use",
                test_sign(hostile_key("RS256"), "{\"alg\":\"RS256\",\"kid\":\"RS256\"}",
                          "{\"iss\":\"https://careful.example\"," REST "}"),
                JWTA_ALG_NOT_ALLOWED);
}

/* Parts stripped, swapped, doubled and taken from other tokens. */
static void test_parts(void **state)
{
    char *token = hostile_issued(ES256, GOOD);
    char *other =
        hostile_issued(ES256, "{" ISSUER ",\"sub\":\"bob\",\"aud\":\"ssh\",\"exp\":2000000300}");
    char *header = test_format("%.*s", (int)(strchr(token, '.') - token), token);
    const char *rest = strchr(token, '.') + 1;
    char *payload = test_format("%.*s", (int)(strchr(rest, '.') - rest), rest);
    const char *signature = strrchr(token, '.') + 1;
    const struct {
        const char *name;
        char *token;
        enum jwta_code code;
    } rows[] = {
        {"nothing", test_format("%s", ""), JWTA_NOT_JWT},
        {"periods", test_format(".."), JWTA_NOT_JWT},
        {"one part", test_format("%s", header), JWTA_NOT_JWT},
        {"two parts", test_format("%s.%s", header, payload), JWTA_NOT_JWT},
        {"no signature", test_format("%s.%s.", header, payload), JWTA_SIGNATURE_LENGTH},
        {"no header", test_format(".%s.%s", payload, signature), JWTA_NOT_JWT},
        {"no payload", test_format("%s..%s", header, signature), JWTA_PAYLOAD_JSON},
        {"four parts", test_format("%s.", token), JWTA_NOT_JWT},
        {"five parts", test_format("%s.AAAA.AAAA", token), JWTA_JWE},
        {"JWE", test_format("eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..AAAA.AAAA.AAAA"), JWTA_JWE},
        {"six parts", test_format("%s.AAAA.AAAA.AAAA", token), JWTA_NOT_JWT},
        {"swapped", test_format("%s.%s.%s", payload, header, signature), JWTA_ALG_MISSING},
        {"signature in front", test_format("%s.%s.%s", signature, header, payload),
         JWTA_HEADER_JSON},
        {"another's signature", test_format("%s.%s.%s", header, payload, strrchr(other, '.') + 1),
         JWTA_SIGNATURE},
        {"header twice", test_format("%s.%s.%s", header, header, signature), JWTA_ISS_MISSING},
        {"opaque", test_format("8xLOxBtZp8Pq3v5yN1rT7wKc2mJd6fHg"), JWTA_NOT_JWT},
        {"password", test_format("correct horse battery staple"), JWTA_NOT_JWT},
        {"JSON serialization",
         test_format("{\"payload\":\"%s\",\"protected\":\"%s\",\"signature\":\"%s\"}", payload,
                     header, signature),
         JWTA_NOT_JWT},
        {"Bearer", test_format("Bearer %s", token), JWTA_NOT_JWT},
        {"space in front", test_format(" %s", token), JWTA_NOT_JWT},
        {"space behind", test_format("%s ", token), JWTA_NOT_JWT},
        {"newline behind", test_format("%s\n", token), JWTA_NOT_JWT},
        {"carriage return", test_format("%s\r", token), JWTA_NOT_JWT},
        {"newline inside", test_format("%s.\n%s.%s", header, payload, signature), JWTA_NOT_JWT},
        {"tab inside", test_format("%s.%s\t.%s", header, payload, signature), JWTA_NOT_JWT},
        {"padded", test_format("%s=", token), JWTA_NOT_JWT},
        {"padded twice", test_format("%s==", token), JWTA_NOT_JWT},
        {"padded payload", test_format("%s.%s=.%s", header, payload, signature), JWTA_NOT_JWT},
        {"standard base64", test_format("%s.%s+/.%s", header, payload, signature), JWTA_NOT_JWT},
        {"character behind", test_format("%sA", token), JWTA_SIGNATURE_LENGTH},
        {"characters behind", test_format("%sAAAA", token), JWTA_SIGNATURE_LENGTH},
        {"line separator", test_format("%s\xe2\x80\xa8", token), JWTA_NOT_JWT},
        {"two tokens", test_format("%s\n%s", token, other), JWTA_JWE},
        {"two tokens, period", test_format("%s.%s", token, other), JWTA_NOT_JWT},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        expect_made(rows[i].name, rows[i].token, rows[i].code);
    expect_bytes("NUL behind", token, strlen(token) + 1, JWTA_NOT_JWT);
    expect_bytes("absent", NULL, 0, JWTA_NOT_JWT);
    expect("the token itself", token, JWTA_OK);
    free(payload);
    free(header);
    free(other);
    free(token);
}

/* Bits that decode to nothing, in each part: another spelling is another token. */
static void test_trailing_bits(void **state)
{
    static const char *const headers[] = {ES256, ES256 " ", ES256 "  "};
    static const char *const payloads[] = {GOOD, GOOD " ", GOOD "  "};
    int changed = 0;

    (void)state;
    for (size_t h = 0; h < COUNT_OF(headers); h++) {
        for (size_t p = 0; p < COUNT_OF(payloads); p++) {
            char *token = hostile_issued(headers[h], payloads[p]);
            char *at = strchr(token, '.');

            expect("white space around the JSON", token, JWTA_OK);
            for (int part = 0; part < 3; part++) {
                char last = at[-1];
                const char *start = at;

                while (start > token && start[-1] != '.')
                    start--;
                if ((at - start) % 4 != 0) {
                    at[-1] = (char)(last == 'Z' ? 'a' : last == '9' ? '-' : last + 1);
                    expect("trailing bits", token, JWTA_BASE64);
                    at[-1] = last;
                    changed++;
                }
                at = part == 0 ? strrchr(token, '.') : token + strlen(token);
            }
            free(token);
        }
    }
    assert_true(changed >= 9 + 6 + 6);
}

/* What a header may carry is never followed, and what it must not is refused. */
static void test_header(void **state)
{
    char *jwk = test_key_jwk(hostile_attackers_ec(), "ES256", NULL);
    char *embedded = test_format("{\"alg\":\"ES256\",\"kid\":\"ES256\",\"jwk\":%s}", jwk);
    char *embedded_only = test_format("{\"alg\":\"ES256\",\"jwk\":%s}", jwk);
    const struct {
        const char *name;
        const char *header;
        enum jwta_code by_issuer;   /* signed by the issuer's key */
        enum jwta_code by_attacker; /* signed by the attacker's */
    } rows[] = {
        {"plain", ES256, JWTA_OK, JWTA_SIGNATURE},
        {"jwk", embedded, JWTA_OK, JWTA_SIGNATURE},
        {"jwk, no kid", embedded_only, JWTA_OK, JWTA_SIGNATURE},
        {"jku", "{\"alg\":\"ES256\",\"kid\":\"ES256\",\"jku\":\"https://evil.example/keys\"}",
         JWTA_OK, JWTA_SIGNATURE},
        {"jku file", "{\"alg\":\"ES256\",\"kid\":\"ES256\",\"jku\":\"file:///etc/passwd\"}",
         JWTA_OK, JWTA_SIGNATURE},
        {"x5u", "{\"alg\":\"ES256\",\"kid\":\"ES256\",\"x5u\":\"https://evil.example/c.pem\"}",
         JWTA_OK, JWTA_SIGNATURE},
        {"x5c", "{\"alg\":\"ES256\",\"kid\":\"ES256\",\"x5c\":[\"MIIB\"]}", JWTA_OK,
         JWTA_SIGNATURE},
        {"x5t", "{\"alg\":\"ES256\",\"kid\":\"ES256\",\"x5t#S256\":\"AAAA\"}", JWTA_OK,
         JWTA_SIGNATURE},
        {"unknown member", "{\"alg\":\"ES256\",\"kid\":\"ES256\",\"enc\":\"A128GCM\"}", JWTA_OK,
         JWTA_SIGNATURE},
        {"b64 true", "{\"alg\":\"ES256\",\"kid\":\"ES256\",\"b64\":true}", JWTA_OK, JWTA_SIGNATURE},
        {"kid unknown", "{\"alg\":\"ES256\",\"kid\":\"ES257\"}", JWTA_NO_KEY, JWTA_NO_KEY},
        {"kid case", "{\"alg\":\"ES256\",\"kid\":\"es256\"}", JWTA_NO_KEY, JWTA_NO_KEY},
        {"kid empty", "{\"alg\":\"ES256\",\"kid\":\"\"}", JWTA_NO_KEY, JWTA_NO_KEY},
        {"kid path", "{\"alg\":\"ES256\",\"kid\":\"../../../../dev/null\"}", JWTA_NO_KEY,
         JWTA_NO_KEY},
        {"kid file", "{\"alg\":\"ES256\",\"kid\":\"/etc/passwd\"}", JWTA_NO_KEY, JWTA_NO_KEY},
        {"kid SQL", "{\"alg\":\"ES256\",\"kid\":\"' OR 1=1 --\"}", JWTA_NO_KEY, JWTA_NO_KEY},
        {"kid shell", "{\"alg\":\"ES256\",\"kid\":\"$(id)|id\"}", JWTA_NO_KEY, JWTA_NO_KEY},
        {"kid format", "{\"alg\":\"ES256\",\"kid\":\"%s%n%s%n\"}", JWTA_NO_KEY, JWTA_NO_KEY},
        {"kid newline", "{\"alg\":\"ES256\",\"kid\":\"ES256\\n\"}", JWTA_NO_KEY, JWTA_NO_KEY},
        {"kid NUL", "{\"alg\":\"ES256\",\"kid\":\"ES256\\u0000x\"}", JWTA_HEADER_JSON,
         JWTA_HEADER_JSON},
        {"kid number", "{\"alg\":\"ES256\",\"kid\":256}", JWTA_HEADER_TYPE, JWTA_HEADER_TYPE},
        {"kid list", "{\"alg\":\"ES256\",\"kid\":[\"ES256\"]}", JWTA_HEADER_TYPE, JWTA_HEADER_TYPE},
        {"kid null", "{\"alg\":\"ES256\",\"kid\":null}", JWTA_HEADER_TYPE, JWTA_HEADER_TYPE},
        {"alg number", "{\"alg\":256,\"kid\":\"ES256\"}", JWTA_HEADER_TYPE, JWTA_HEADER_TYPE},
        {"alg true", "{\"alg\":true}", JWTA_HEADER_TYPE, JWTA_HEADER_TYPE},
        {"alg NUL", "{\"alg\":\"ES256\\u0000\"}", JWTA_HEADER_JSON, JWTA_HEADER_JSON},
        {"typ number", "{\"alg\":\"ES256\",\"kid\":\"ES256\",\"typ\":1}", JWTA_HEADER_TYPE,
         JWTA_HEADER_TYPE},
        {"typ of another use", "{\"alg\":\"ES256\",\"kid\":\"ES256\",\"typ\":\"logout+jwt\"}",
         JWTA_TYP, JWTA_SIGNATURE},
        {"crit known", "{\"alg\":\"ES256\",\"crit\":[\"b64\"],\"b64\":true}", JWTA_CRIT, JWTA_CRIT},
        {"crit unknown", "{\"alg\":\"ES256\",\"crit\":[\"x\"],\"x\":1}", JWTA_CRIT, JWTA_CRIT},
        {"crit alg", "{\"alg\":\"ES256\",\"crit\":[\"alg\"]}", JWTA_CRIT, JWTA_CRIT},
        {"crit empty", "{\"alg\":\"ES256\",\"crit\":[]}", JWTA_CRIT, JWTA_CRIT},
        {"crit string", "{\"alg\":\"ES256\",\"crit\":\"exp\"}", JWTA_CRIT, JWTA_CRIT},
        {"crit null", "{\"alg\":\"ES256\",\"crit\":null}", JWTA_CRIT, JWTA_CRIT},
        {"crit object", "{\"alg\":\"ES256\",\"crit\":{\"exp\":1}}", JWTA_CRIT, JWTA_CRIT},
        {"b64 false", "{\"alg\":\"ES256\",\"b64\":false}", JWTA_B64_HEADER, JWTA_B64_HEADER},
        {"b64 text", "{\"alg\":\"ES256\",\"b64\":\"false\"}", JWTA_B64_HEADER, JWTA_B64_HEADER},
        {"b64 false, crit", "{\"alg\":\"ES256\",\"b64\":false,\"crit\":[\"b64\"]}", JWTA_B64_HEADER,
         JWTA_B64_HEADER},
        {"alg twice", "{\"alg\":\"ES256\",\"alg\":\"ES256\"}", JWTA_DUPLICATE_MEMBER,
         JWTA_DUPLICATE_MEMBER},
        {"alg and none", "{\"alg\":\"none\",\"kid\":\"ES256\",\"alg\":\"ES256\"}",
         JWTA_DUPLICATE_MEMBER, JWTA_DUPLICATE_MEMBER},
        {"alg twice, escaped", "{\"alg\":\"ES256\",\"\\u0061lg\":\"none\"}", JWTA_DUPLICATE_MEMBER,
         JWTA_DUPLICATE_MEMBER},
        {"kid twice", "{\"alg\":\"ES256\",\"kid\":\"ES256\",\"kid\":\"x\"}", JWTA_DUPLICATE_MEMBER,
         JWTA_DUPLICATE_MEMBER},
        {"deep", "{\"alg\":\"ES256\",\"x\":[[[[1]]]]}", JWTA_TOO_DEEP, JWTA_TOO_DEEP},
        {"array", "[\"ES256\"]", JWTA_HEADER_JSON, JWTA_HEADER_JSON},
        {"string", "\"ES256\"", JWTA_HEADER_JSON, JWTA_HEADER_JSON},
        {"trailing", ES256 "x", JWTA_HEADER_JSON, JWTA_HEADER_JSON},
        {"two objects", ES256 ES256, JWTA_HEADER_JSON, JWTA_HEADER_JSON},
        {"byte order mark", "\xef\xbb\xbf" ES256, JWTA_HEADER_JSON, JWTA_HEADER_JSON},
        {"overlong", "{\"alg\":\"ES256\",\"kid\":\"\xc0\xaf\"}", JWTA_HEADER_JSON,
         JWTA_HEADER_JSON},
        {"surrogate", "{\"alg\":\"ES256\",\"kid\":\"\xed\xa0\x80\"}", JWTA_HEADER_JSON,
         JWTA_HEADER_JSON},
        {"lone surrogate", "{\"alg\":\"ES256\",\"kid\":\"\\ud800\"}", JWTA_HEADER_JSON,
         JWTA_HEADER_JSON},
        {"huge number", "{\"alg\":\"ES256\",\"x\":1e400}", JWTA_HEADER_JSON, JWTA_HEADER_JSON},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        expect_made(rows[i].name, hostile_issued(rows[i].header, GOOD), rows[i].by_issuer);
        expect_made(rows[i].name, test_sign(hostile_attackers_ec(), rows[i].header, GOOD),
                    rows[i].by_attacker);
    }
    free(embedded_only);
    free(embedded);
    free(jwk);
    expect_made("by an RSA key of the attacker's",
                test_sign(hostile_attackers_rsa(), "{\"alg\":\"RS256\",\"kid\":\"RS256\"}", GOOD),
                JWTA_SIGNATURE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_controls),       cmocka_unit_test(test_none),
        cmocka_unit_test(test_confusion_hmac), cmocka_unit_test(test_confusion),
        cmocka_unit_test(test_parts),          cmocka_unit_test(test_trailing_bits),
        cmocka_unit_test(test_header),
    };

    return cmocka_run_group_tests(tests, hostile_setup, hostile_teardown);
}
