/* print: a tree as text, one statement a line.
 *
 *   step: work of 640 bytes
 *     nest h
 *       for i in 0..10
 *         sum[0] = -0.0
 *         for k in 0..13
 *           s3 = w[13 i + k]
 *           s4 = fma(s3, s2, s1)
 *           sum[0] = s4, term k
 */
#include "ir/loops/tree.h"

void subscript_print(Text *to, const Subscript *s) {
    const char *between = "";
    for (int i = 0; i < s->count; i++) {
        const SubscriptTerm *t = &s->term[i];
        int64_t coef = t->coef < 0 && i > 0 ? -t->coef : t->coef;
        if (i > 0) between = t->coef < 0 ? " - " : " + ";
        text_add(to, "%s", between);
        if (coef == -1)
            text_add(to, "-");
        else if (coef != 1)
            text_add(to, "%lld ", (long long)coef);
        if (t->loop != NULL)
            text_add(to, "%s%d", t->loop->name, t->loop->id);
        else
            text_add(to, "s%d", t->scalar->id);
    }
    if (s->count == 0)
        text_add(to, "%lld", (long long)s->offset);
    else if (s->offset != 0)
        text_add(to, " %c %lld", s->offset < 0 ? '-' : '+', (long long)(s->offset < 0 ? -s->offset : s->offset));
}

static void print_element(Text *to, const Array *array, const Subscript *row, const Subscript *at) {
    text_add(to, "%s%d[", array->name, array->id);
    if (row != NULL) {
        subscript_print(to, row);
        text_add(to, "; ");
    }
    subscript_print(to, at);
    text_add(to, "]");
}

static void print_sources(Text *to, const Scalar *s) {
    for (int i = 0; i < 3 && s->source[i] != NULL; i++) text_add(to, "%ss%d", i > 0 ? ", " : "", s->source[i]->id);
}

static void print_of_subscript(Text *to, const char *name, const Scalar *s) {
    text_add(to, "%s(", name);
    if (s->source[0] != NULL) text_add(to, "s%d, ", s->source[0]->id);
    subscript_print(to, s->at);
    if (s->kind == SCALAR_EQUAL || (s->kind == SCALAR_DRAW && s->row != NULL)) {
        text_add(to, ", ");
        subscript_print(to, s->row);
    }
    if (s->kind == SCALAR_QUOTIENT || s->kind == SCALAR_REMAINDER || s->kind == SCALAR_INSIDE)
        text_add(to, ", %lld", (long long)s->n);
    text_add(to, ")");
}

static void print_scalar(Text *to, const Scalar *s) {
    static const char *const names[] = {
        [SCALAR_NUMBER] = "number",       [SCALAR_ROW] = "row",
        [SCALAR_PLACE] = "place",         [SCALAR_QUOTIENT] = "quotient",
        [SCALAR_REMAINDER] = "remainder", [SCALAR_WITHIN] = "within",
        [SCALAR_INSIDE] = "inside",       [SCALAR_EQUAL] = "equal",
        [SCALAR_DRAW] = "draw",
    };
    switch (s->kind) {
    case SCALAR_CONST: text_add(to, "%s", text_number(to->arena, s->value, s->dtype != DTYPE_F64)); return;
    case SCALAR_OP:
        text_add(to, "%s(", s->op == OP_CAST ? dtype_text(s->dtype) : op_text(s->op));
        print_sources(to, s);
        text_add(to, op_attribute(s->op) == ATTRIBUTE_NUMBER ? ", %lld)" : ")", (long long)s->n);
        return;
    case SCALAR_LOAD: print_element(to, s->array, s->row, s->at); return;
    case SCALAR_ROWS: text_add(to, "rows"); return;
    case SCALAR_COUNTED:
        if (s->n >= HEADER_SET)
            text_add(to, "rows of set %d", (int)(s->n - HEADER_SET));
        else
            text_add(to, "%s", (const char *[]){"step", "epoch", "planned"}[s->n]);
        return;
    case SCALAR_INTEGER: text_add(to, "integer(s%d)", s->source[0]->id); return;
    case SCALAR_REAL: text_add(to, "%s(s%d)", dtype_text(s->dtype), s->source[0]->id); return;
    default: print_of_subscript(to, names[s->kind], s); return;
    }
}

static void print_body(Text *to, const Body *body, int depth);

static void print_loop(Text *to, const Loop *loop) {
    static const char *const marks[] = {"", ", unrolled", ", vector", ", threads"};
    text_add(to, "for %s%d in 0..", loop->name, loop->id);
    if (!loop->rows)
        text_add(to, "%lld", (long long)loop->extent);
    else if (loop->block == NULL)
        text_add(to, "rows");
    else
        text_add(to, "rows of %s%d", loop->block->name, loop->block->id);
    if (loop->pad > 1) text_add(to, " to %lld", (long long)loop->pad);
    if (loop->step > 1) text_add(to, " by %lld", (long long)loop->step);
    if (loop->part != ALL_STEPS) text_add(to, loop->part == WHOLE_STEPS ? ", whole" : ", rest");
    text_add(to, "%s%s\n", marks[loop->mark], loop->first_more ? ", first more" : "");
}

static void print_statement(Text *to, const Statement *s, int depth) {
    text_add(to, "%*s", 2 * depth, "");
    switch (s->kind) {
    case STATEMENT_NEST: text_add(to, "nest %s\n", s->node == NULL ? "" : node_text(s->node)); break;
    case STATEMENT_LOOP: print_loop(to, s->loop); break;
    case STATEMENT_IF: text_add(to, "if s%d\n", s->scalar->id); break;
    case STATEMENT_WAIT: text_add(to, "wait\n"); break;
    case STATEMENT_FETCH:
        text_add(to, "fetch ");
        print_element(to, s->array, s->row, s->at);
        text_add(to, "\n");
        break;
    case STATEMENT_TRANSPOSE:
        text_add(to, "transpose %s%d, %lld by %lld\n", s->array->name, s->array->id, (long long)s->terms,
                 (long long)(s->array->elements / s->terms));
        break;
    case STATEMENT_LET:
        text_add(to, "s%d = ", s->scalar->id);
        print_scalar(to, s->scalar);
        text_add(to, "\n");
        break;
    case STATEMENT_STORE:
        print_element(to, s->array, s->row, s->at);
        text_add(to, " = s%d", s->scalar->id);
        if (s->term != NULL) {
            text_add(to, ", term ");
            subscript_print(to, s->term);
        }
        text_add(to, "\n");
        break;
    }
    print_body(to, &s->body, depth + 1);
}

static void print_body(Text *to, const Body *body, int depth) {
    for (int i = 0; i < body->count; i++) print_statement(to, body->items[i], depth);
}

void tree_print(Text *to, const LoopTree *tree) {
    text_add(to, "%s: %zu bytes of work\n", tree->name, tree->work_bytes);
    const Body *parts[] = {&tree->before, &tree->body, &tree->after};
    static const char *const names[] = {"before all steps", "each step", "after all steps"};
    bool keeps = tree->before.count + tree->after.count > 0;
    for (int i = 0; i < 3; i++) {
        if (keeps) text_add(to, "  %s\n", names[i]);
        print_body(to, parts[i], keeps ? 2 : 1);
    }
}
