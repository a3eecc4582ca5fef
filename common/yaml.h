/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The strict subset of YAML that the configuration is written in, by libyaml's events: one
 * document of mappings, sequences and scalars, every scalar a string, every node with its line.
 * No anchors, aliases, tags, merge keys or duplicate keys; valid UTF-8 without control characters.
 */
#ifndef JWTA_YAML_H
#define JWTA_YAML_H

#include "common/buf.h"

#include <stddef.h>

enum jwta_node_kind { JWTA_NODE_SCALAR, JWTA_NODE_SEQUENCE, JWTA_NODE_MAPPING };

/* A node. In a mapping, children alternate: key (always a scalar), value, key, value … */
struct jwta_node {
    enum jwta_node_kind kind;
    unsigned line; /* from 1; 0 for a node that stands in no file */
    char *text;    /* of a scalar, terminated, no NUL inside; else NULL */
    struct jwta_node **child;
    size_t children;
};

#define JWTA_YAML_DEPTH 8

/*
 * Parses text as one document whose root is a mapping; an empty document gives an empty mapping.
 * CONF_INVALID with the line in *line and the reason in why; MEMORY.
 */
JWTA_MUST_USE enum jwta_code jwta_yaml_parse(struct jwta_span text, struct jwta_node **root,
                                             unsigned *line, struct jwta_why *why);

/* Makes nodes, one by one. NULL: out of memory. */
struct jwta_node *jwta_node_scalar(const char *text, unsigned line);
struct jwta_node *jwta_node_list(enum jwta_node_kind kind, unsigned line);
/* Appends child, which becomes parent's, also on failure (freed then); a NULL child fails. */
JWTA_MUST_USE enum jwta_code jwta_node_append(struct jwta_node *parent, struct jwta_node *child);

/* Frees the node and all below it, and sets *node to NULL. */
void jwta_node_free(struct jwta_node **node);

#endif
