/* docs: gives every `##` comment to the statement that it documents.
 *
 * A comment behind code belongs to the statement that ends on its line, or else to the innermost
 * one that it stands in. A comment on its own line belongs to the next statement of its block.
 * Comments and statements are both in the order of the text, so one walk over the tree matches
 * them. A statement with several comments gets them as lines.
 */
#include "frontend/parse.h"

#include <string.h>

typedef struct DocWalk {
    Parse *parse;
    int next;
    Stmt *last;
    Text text;
} DocWalk; /* text: the doc of `last` */

static const Doc *peek(const DocWalk *walk) {
    return walk->next < walk->parse->docs.count ? &walk->parse->docs.items[walk->next] : NULL;
}

static void give_doc(DocWalk *walk, Stmt *stmt) {
    const char *more = walk->parse->docs.items[walk->next++].text;
    if (stmt != walk->last) {
        walk->last = stmt;
        walk->text = text_new(walk->parse->arena);
        text_add(&walk->text, "%s", stmt->doc ? stmt->doc : "");
    }
    text_add(&walk->text, "%s%s", walk->text.length > 0 ? "\n" : "", more);
    stmt->doc = walk->text.bytes;
    if (stmt->kind == STMT_DEFINITION) stmt->definition->doc = stmt->doc;
}

static bool on_one_line(const Parse *parse, uint32_t from, uint32_t to) {
    const Source *source = parse->source;
    return from <= to && !memchr(source->text + (from - source->base), '\n', to - from);
}

static StmtList *block_of(Stmt *stmt) {
    switch (stmt->kind) {
    case STMT_DEFINITION: return &stmt->definition->body;
    case STMT_DATA: return &stmt->data.body;
    case STMT_TRAIN:
    case STMT_UPDATE: return &stmt->train.body;
    case STMT_REPEAT: return &stmt->repeat.body;
    default: return NULL;
    }
}

/* Hands out the comments that lie before `end`. */
static void walk_block(DocWalk *walk, StmtList *block, Stmt *owner, uint32_t end) {
    Stmt *before = NULL;
    for (int i = 0; i <= block->count; i++) {
        Stmt *stmt = i < block->count ? block->items[i] : NULL;
        uint32_t until = stmt ? stmt->span.begin : end;
        const Doc *doc;
        while ((doc = peek(walk)) && doc->span.begin < until) {
            if (doc->trails && before && on_one_line(walk->parse, before->span.end, doc->span.begin))
                give_doc(walk, before);
            else if (doc->trails && owner)
                give_doc(walk, owner);
            else if (stmt)
                give_doc(walk, stmt);
            else
                walk->next++;
        }
        if (!stmt) break;
        StmtList *inner = block_of(stmt);
        if (inner && inner->count > 0) walk_block(walk, inner, stmt, stmt->span.end);
        while ((doc = peek(walk)) && doc->span.begin < stmt->span.end) give_doc(walk, stmt);
        before = stmt;
    }
}

void docs_attach(Parse *parse) {
    DocWalk walk = {.parse = parse};
    walk_block(&walk, &parse->ast->statements, NULL, parse->source->base + parse->source->length + 1);
}
