/* parts: the step of a run with update blocks: it calls the function of each part that is due (codegen/llvm/parts.c does
 * the same). */
#include "codegen/c/c.h"
#include <string.h>

static void print_side(Text *to, const Watch *side) {
    if (side->kind == WATCH_NUMBER)
        text_add(to, "%s", text_number(to->arena, side->number, false));
    else
        text_add(to, "(double)%s", side->figure);
}

static void print_condition(Text *to, const Watch *watch) {
    static const char *const operators[] = {[WATCH_AND] = "&&", [WATCH_OR] = "||", [WATCH_LT] = "<",
                                            [WATCH_LE] = "<=",  [WATCH_GT] = ">",  [WATCH_GE] = ">="};
    if (watch->kind == WATCH_EVERY) {
        text_add(to, "(%s + 1) %% %.0f == 0", watch->figure, watch->number);
    } else if (watch->kind == WATCH_NOT) {
        text_add(to, "!(");
        print_condition(to, watch->left);
        text_add(to, ")");
    } else if (watch->kind == WATCH_AND || watch->kind == WATCH_OR) {
        text_add(to, "(");
        print_condition(to, watch->left);
        text_add(to, ") %s (", operators[watch->kind]);
        print_condition(to, watch->right);
        text_add(to, ")");
    } else {
        print_side(to, watch->left);
        text_add(to, " %s ", operators[watch->kind]);
        print_side(to, watch->right);
    }
}

static void print_part(Text *to, const Run *run, int index, const char *prefix) {
    const StepPart *part = &run->parts[index];
    const char *indent = part->when ? "            " : "        ";
    if (part->when) {
        text_add(to, "        if (");
        print_condition(to, part->when);
        text_add(to, ") {\n");
    }
    int place = run->term_count + 2 * index;
    text_add(to, "%sheader->step = step;\n%s%s__step_%s(&part);\n", indent, indent, prefix, part->name);
    text_add(to, "%ssums[%d] += (double)rows;\n%ssums[%d] += 1;\n", indent, place, indent, place + 1);
    if (part->when) text_add(to, "        }\n");
}

void c_parts(CUnit *unit, const Run *run, const char *prefix) {
    Text *to = &unit->functions;
    text_add(to, "static int64_t %s__step(const sgdrt_call *call)\n{\n", prefix);
    text_add(to, "    sgdrt_header *const header = (sgdrt_header *)call->state;\n");
    text_add(to, "    const uint64_t before = header->step, epoch = header->epoch;\n");
    text_add(to, "    double unasked[%d] = {0};\n", run_sums(run));
    text_add(to, "    double *const sums = call->sums != NULL ? call->sums : unasked;\n");
    text_add(to, "    int64_t done = 0, steps = 0;\n    (void)epoch;\n    while (done < call->count) {\n");
    text_add(to, "        const int64_t rows = call->batch < call->count - done ? call->batch : call->count - done;\n");
    text_add(to, "        const uint64_t step = before + (uint64_t)steps;\n        sgdrt_call part = *call;\n");
    text_add(to, "        part.rows = call->rows != NULL ? call->rows + done : NULL;\n");
    text_add(to, "        part.first += done;\n        part.place += done;\n        part.count = part.batch = rows;\n");
    text_add(to, "        part.sums = sums;\n        part.stop = NULL;\n");
    for (int i = 0; i < run->part_count; i++) print_part(to, run, i, prefix);
    text_add(to, "        header->step = step + 1;\n        done += rows;\n        steps++;\n");
    text_add(to, "        if (call->stop != NULL && *call->stop != 0) break;\n    }\n    return steps;\n}\n\n");
}
