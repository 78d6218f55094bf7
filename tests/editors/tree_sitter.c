/* Parses programs with the tree-sitter grammar. Files: what is no part of the language is reported, and is a failure; of
 * a file .scm, a pattern that the grammar does not have. No files: standard input as a tree. Linked with libtree-sitter and the generated parser. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tree_sitter/api.h>

const TSLanguage *tree_sitter_sgd(void);

static char *read_all(FILE *file, size_t *length) {
    size_t capacity = 1 << 16;
    char *bytes = malloc(capacity);
    *length = 0;
    while (bytes) {
        *length += fread(bytes + *length, 1, capacity - *length, file);
        if (*length < capacity) break;
        bytes = realloc(bytes, capacity *= 2);
    }
    return bytes;
}

/* The innermost of the first nodes that hold an error. */
static void tell(const char *path, TSNode node) {
    for (;;) {
        TSNode found = node;
        for (uint32_t i = 0; i < ts_node_child_count(node) && ts_node_eq(found, node); i++)
            if (ts_node_has_error(ts_node_child(node, i))) found = ts_node_child(node, i);
        if (ts_node_eq(found, node)) break;
        node = found;
    }
    TSPoint at = ts_node_start_point(node);
    printf("%s:%u:%u: %s\n", path, at.row + 1, at.column + 1, ts_node_is_missing(node) ? "missing" : "not parsed");
}

static int check_query(const char *path, FILE *file) {
    size_t length;
    uint32_t at;
    TSQueryError error;
    char *text = read_all(file, &length);
    TSQuery *query = ts_query_new(tree_sitter_sgd(), text, (uint32_t)length, &at, &error);
    if (!query) printf("%s: error %d at byte %u: %.40s\n", path, (int)error, at, text + at);
    free(text);
    return !query;
}

static int parse(TSParser *parser, const char *path, FILE *file) {
    size_t length;
    char *text = read_all(file, &length);
    TSTree *tree = ts_parser_parse_string(parser, NULL, text, (uint32_t)length);
    TSNode root = ts_tree_root_node(tree);
    int bad = ts_node_has_error(root);
    if (!path) {
        char *shown = ts_node_string(root);
        puts(shown);
        free(shown);
    } else if (bad)
        tell(path, root);
    ts_tree_delete(tree);
    free(text);
    return bad;
}

int main(int argc, char **argv) {
    TSParser *parser = ts_parser_new();
    int bad = 0;
    if (!ts_parser_set_language(parser, tree_sitter_sgd())) {
        puts("libtree-sitter does not know this version of parsers");
        return 1;
    }
    if (argc < 2) bad = parse(parser, NULL, stdin);
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file) {
            printf("%s cannot be read\n", argv[i]);
            return 1;
        }
        const char *extension = strrchr(argv[i], '.');
        bad |= extension && !strcmp(extension, ".scm") ? check_query(argv[i], file) : parse(parser, argv[i], file);
        fclose(file);
    }
    ts_parser_delete(parser);
    return bad;
}
