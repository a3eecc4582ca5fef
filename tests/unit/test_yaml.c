/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/yaml.h"
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct jwta_node *parse(const char *text)
{
    struct jwta_node *root = NULL;
    struct jwta_why why = {0};
    unsigned line = 0;

    enum jwta_code code = jwta_yaml_parse(jwta_span_of(text), &root, &line, &why);
    if (code != JWTA_OK)
        print_error("line %u: %s\n", line, why.text);
    assert_code(code, JWTA_OK);
    assert_non_null(root);
    assert_int_equal(root->kind, JWTA_NODE_MAPPING);
    return root;
}

/* Writes a tree as key=value@line with [] and {}, which says all that there is of it. */
static void describe(const struct jwta_node *node, FILE *out)
{
    static const char *const open[] = {"", "[", "{"};
    static const char *const close[] = {"", "]", "}"};

    if (node->kind == JWTA_NODE_SCALAR)
        fprintf(out, "%s", node->text);
    fputs(open[node->kind], out);
    for (size_t i = 0; i < node->children; i++) {
        bool value = node->kind == JWTA_NODE_MAPPING && i % 2 == 1;
        if (i > 0)
            fputs(value ? "=" : " ", out);
        describe(node->child[i], out);
    }
    fputs(close[node->kind], out);
    fprintf(out, "@%u", node->line);
}

static void check_tree(const char *text, const char *expected)
{
    struct jwta_node *root = parse(text);
    char *got = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&got, &len);

    assert_non_null(out);
    describe(root, out);
    fclose(out);
    assert_string_equal(got, expected);
    free(got);
    jwta_node_free(&root);
    assert_null(root);
}

static void test_trees(void **state)
{
    (void)state;
    check_tree("a: 1\nb:\n  c: [x, y z]\n", "{a@1=1@1 b@2={c@3=[x@3 y z@3]@3}@3}@1");
    check_tree("a:\n- one\n-   two\n", "{a@1=[one@2 two@3]@2}@1");
    check_tree("# comment\n---\nk: v # more\n...\n", "{k@3=v@3}@3");
    check_tree("k: [a,\n b]\n", "{k@1=[a@1 b@2]@1}@1");
    check_tree("\xef\xbb\xbfk: v\n", "{k@1=v@1}@1");
    check_tree("k: []\nm: {}\n", "{k@1=[]@1 m@2={}@2}@1");
    check_tree("k: v\r\nm: n\r\n", "{k@1=v@1 m@2=n@2}@1");
}

static void test_scalars_are_text(void **state)
{
    (void)state;
    check_tree("a: yes\nb: 010\nc: 1e3\nd: 2020-01-01\n",
               "{a@1=yes@1 b@2=010@2 c@3=1e3@3 d@4=2020-01-01@4}@1");
    check_tree("a: \"x y\"\nb: 'it''s'\nc: \"\"\n", "{a@1=x y@1 b@2=it's@2 c@3=@3}@1");
    check_tree("a: \"null\"\n\"~\": '~'\n", "{a@1=null@1 ~@2=~@2}@1");
    check_tree("u: ${preferred_username}\n", "{u@1=${preferred_username}@1}@1");
    check_tree("a: Gr\xc3\xb6\xc3\x9f"
               "e\n\"\\u00e9\": x\n",
               "{a@1=Gr\xc3\xb6\xc3\x9f"
               "e@1 \xc3\xa9@2=x@2}@1");
    check_tree("dba team: x\n\"a \\\"b\\\"\": y\n", "{dba team@1=x@1 a \"b\"@2=y@2}@1");
    /* A quoted << is a name like any other. */
    check_tree("\"<<\": x\n", "{<<@1=x@1}@1");
    /* Lines of one plain value are joined by a space. */
    check_tree("a: one\n  two\n", "{a@1=one two@1}@1");
    check_tree("a: >-\n  one\n  two\n", "{a@1=one two@1}@1");
}

static void test_empty(void **state)
{
    struct jwta_node *root = NULL;
    unsigned line = 7;

    (void)state;
    check_tree("", "{}@1");
    check_tree("# nothing\n\n", "{}@1");
    check_tree("---\n", "{}@2");
    assert_code(jwta_yaml_parse((struct jwta_span){0}, &root, &line, NULL), JWTA_OK);
    assert_int_equal(root->children, 0);
    jwta_node_free(&root);
}

static const struct {
    const char *text;
    unsigned line;
    const char *why;
} refused[] = {
    {"a: 1\nb: &x 2\n", 2, "an anchor (&) is not accepted"},
    {"a: &x [1]\n", 1, "an anchor (&) is not accepted"},
    {"a: &x {b: c}\n", 1, "an anchor (&) is not accepted"},
    {"&x a: 1\n", 1, "an anchor (&) is not accepted"},
    {"--- &x\na: 1\n", 1, "an anchor (&) is not accepted"},
    {"a: 1\nb: *a\n", 2, "an alias (*) is not accepted"},
    {"a: 1\n*a : 2\n", 2, "an alias (*) is not accepted"},
    {"a: !!str 1\n", 1, "a tag (!) is not accepted"},
    {"a: !x [1]\n", 1, "a tag (!) is not accepted"},
    {"a: !x {b: c}\n", 1, "a tag (!) is not accepted"},
    {"!!str a: 1\n", 1, "a tag (!) is not accepted"},
    {"a: ! 1\n", 1, "a tag (!) is not accepted"},
    {"a: b\n<<: {c: d}\n", 2, "a merge key (<<) is not accepted"},
    {"corp: 1\nb: 2\ncorp: 3\n", 3, "\"corp\" is here a second time, after line 1"},
    {"x:\n  a: 1\n  \"a\": 3\n", 3, "\"a\" is here a second time, after line 2"},
    {"x: {a: 1, a: 2}\n", 1, "\"a\" is here a second time, after line 1"},
    {"a: 1\n---\nb: 2\n", 2, "a second document is not accepted"},
    {"a: 1\n...\n---\n", 3, "a second document is not accepted"},
    {"%YAML 1.1\n---\na: 1\n", 1, "a directive (%) is not accepted"},
    {"%TAG ! tag:x,2000:\n---\na: 1\n", 1, "a directive (%) is not accepted"},
    {"- a\n- b\n", 1, "the document must be a mapping (keyword: value)"},
    {"\nword\n", 2, "the document must be a mapping (keyword: value)"},
    {"\"\"\n", 1, "the document must be a mapping (keyword: value)"},
    {"[a, b]: c\n", 1, "a key must be one word or text"},
    {"a: 1\n? {b: c}\n: d\n", 2, "a key must be one word or text"},
    {"?\n: value\n", 1, "a key is missing"},
    {"~: value\n", 1, "a key is missing"},
    {"null: value\n", 1, "a key is missing"},
    {"a: 1\nb:\nc: 3\n", 2, "\"b\" has no value"},
    {"b: ~\n", 1, "\"b\" has no value"},
    {"b: null\n", 1, "\"b\" has no value"},
    {"b: Null\n", 1, "\"b\" has no value"},
    {"b: NULL\n", 1, "\"b\" has no value"},
    {"b: {c}\n", 1, "\"c\" has no value"},
    {"a:\n- x\n-\n", 3, "an entry of a list is empty"},
    {"a: [x, ~]\n", 1, "an entry of a list is empty"},
    {"a: |\n  one\n  two\n", 1, "a control character or line break in a value"},
    {"a: 1\nb: >\n  folded\n", 2, "a control character or line break in a value"},
    {"a: \"x\\0y\"\n", 1, "a control character or line break in a value"},
    {"a: \"x\\ny\"\n", 1, "a control character or line break in a value"},
    {"a: \"x\\ty\"\n", 1, "a control character or line break in a value"},
    {"a: \"\\e[31m\"\n", 1, "a control character or line break in a value"},
    {"a: \"\\x7f\"\n", 1, "a control character or line break in a value"},
    {"a: \"\\x85\"\n", 1, "a control character or line break in a value"},
    {"a: \"\\u009b\"\n", 1, "a control character or line break in a value"},
    {"a: \"\\L\"\n", 1, "a control character or line break in a value"},
    {"a: \"\\P\"\n", 1, "a control character or line break in a value"},
    {"\"k\\0\": 1\n", 1, "a control character or line break in a value"},
    {"a: 1\nb: \x01\n", 2, "control characters are not allowed"},
    {"a: 1\n\nb: \xc3\x28\n", 3, "invalid trailing UTF-8 octet"},
    {"a: \xff\n", 1, "invalid leading UTF-8 octet"},
    {"a: \xc0\xaf\n", 1, "invalid length of a UTF-8 sequence"},
    {"a: \xed\xa0\x80\n", 1, "invalid Unicode character"},
    {"a: \xe2\x82", 1, "incomplete UTF-8 octet sequence"},
    {"\xff\xfe"
     "a",
     1, "UTF-16 is not accepted, only UTF-8"},
    {"\xfe\xff"
     "a",
     1, "UTF-16 is not accepted, only UTF-8"},
    {"a: 1\n b: 2\n", 2, "mapping values are not allowed in this context"},
    {"a: [1, 2\n", 2, "did not find expected ',' or ']' while parsing a flow sequence"},
    {"a: 1\nb: \"open\n", 3, "found unexpected end of stream while scanning a quoted scalar"},
    {"a:\n\tb: 2\n", 2,
     "found character that cannot start any token while scanning for the next "
     "token"},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        struct jwta_node *root = NULL;
        struct jwta_why why = {0};
        unsigned line = 0;
        struct jwta_span text = jwta_span_of(refused[i].text);
        enum jwta_code code = jwta_yaml_parse(text, &root, &line, &why);
        if (code != JWTA_CONF_INVALID || line != refused[i].line ||
            strcmp(why.text, refused[i].why) != 0)
            print_error("case %zu: %s: line %u, %s\n", i, refused[i].text, line, why.text);
        assert_code(code, JWTA_CONF_INVALID);
        assert_code(why.code, JWTA_CONF_INVALID);
        assert_string_equal(why.text, refused[i].why);
        assert_int_equal(line, refused[i].line);
        assert_null(root);
        /* The reason may be of no interest. */
        assert_code(jwta_yaml_parse(text, &root, &line, NULL), JWTA_CONF_INVALID);
    }
}

static void test_nul_byte(void **state)
{
    struct jwta_node *root = NULL;
    struct jwta_why why = {0};
    unsigned line = 0;

    (void)state;
    assert_code(jwta_yaml_parse(jwta_span("a: b\nc: \0d\n", 11), &root, &line, &why),
                JWTA_CONF_INVALID);
    assert_string_equal(why.text, "control characters are not allowed");
    assert_int_equal(line, 2);
}

/* The root and what is below it: levels mappings, then a word. */
static void nested(char *text, size_t size, unsigned levels)
{
    size_t len = 0;

    for (unsigned i = 0; i < levels; i++)
        len += (size_t)snprintf(text + len, size - len, i == 0 ? "a: " : "{a: ");
    len += (size_t)snprintf(text + len, size - len, "x");
    for (unsigned i = 1; i < levels; i++)
        len += (size_t)snprintf(text + len, size - len, "}");
}

static void test_depth(void **state)
{
    struct jwta_node *root = NULL;
    struct jwta_why why = {0};
    unsigned line = 0;
    char text[256];

    (void)state;
    nested(text, sizeof(text), JWTA_YAML_DEPTH);
    root = parse(text);
    jwta_node_free(&root);
    nested(text, sizeof(text), JWTA_YAML_DEPTH + 1);
    assert_code(jwta_yaml_parse(jwta_span_of(text), &root, &line, &why), JWTA_CONF_INVALID);
    assert_string_equal(why.text, "nested too deeply");
    assert_int_equal(line, 1);
}

static void test_made_by_hand(void **state)
{
    struct jwta_node *list = jwta_node_list(JWTA_NODE_SEQUENCE, 0);
    char text[16];

    (void)state;
    assert_non_null(list);
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "%d", i);
        assert_code(jwta_node_append(list, jwta_node_scalar(text, (unsigned)i)), JWTA_OK);
    }
    assert_int_equal(list->children, 100);
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "%d", i);
        assert_string_equal(list->child[i]->text, text);
        assert_int_equal(list->child[i]->line, i);
        assert_int_equal(list->child[i]->kind, JWTA_NODE_SCALAR);
    }
    assert_code(jwta_node_append(list, NULL), JWTA_MEMORY);
    assert_int_equal(list->children, 100);
    jwta_node_free(&list);
    assert_null(list);
    jwta_node_free(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trees),        cmocka_unit_test(test_scalars_are_text),
        cmocka_unit_test(test_empty),        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_nul_byte),     cmocka_unit_test(test_depth),
        cmocka_unit_test(test_made_by_hand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
