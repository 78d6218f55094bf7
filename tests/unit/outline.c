/* Kernels as functions: those of one shape are one function, however many layers have them. */
#include "../numeric/programs.h"
#include "codegen/codegen.h"

static int count_text(const char *in, const char *what) {
    int count = 0;
    for (const char *at = strstr(in, what); at != NULL; at = strstr(at + 1, what)) count++;
    return count;
}

typedef struct Functions {
    int defined, called;
} Functions;

static Functions functions_of(int layers) {
    Arena *arena = arena_new();
    Text text = text_new(arena);
    text_add(&text,
             "data d { x: f32[96]; y: f32[96] }\n"
             "model m(x: f32[96]) -> f32[96] {\n  h = x\n  repeat %d { h = tanh(dense(h, 96)) }\n  return h\n}\n"
             "train fit { data = d; minimize = mse(m(x), y); optimizer = sgd(lr = 0.1); batch = 64 }\n",
             layers);
    Compiled c = compile_text(text.bytes, false);
    cr_assert(c.program != NULL, "the test's program is refused: %s", text.bytes);
    run_passes(&c, NULL, NULL);
    CodegenOptions options = {.cpu = "x86-64-v3", .triple = "x86_64-linux-gnu", .level = 3};
    Codegen *codegen = codegen_new(arena, &options, c.diagnostics);
    const Run *run = &c.program->runs[0];
    const char *prefix = "fit";
    Text llvm = text_new(arena);
    cr_assert(codegen_text(codegen, &llvm, &run, &prefix, 1, CODEGEN_LLVM));
    Functions f = {count_text(llvm.bytes, "define internal void @sgd.nest"),
                   count_text(llvm.bytes, "call void @sgd.nest")};
    codegen_free(codegen);
    arena_free(c.arena);
    arena_free(arena);
    return f;
}

Test(outline, layers_of_one_shape_share_their_kernels) {
    Functions few = functions_of(12), many = functions_of(30);
    cr_expect(few.defined > 0 && many.called > 2 * few.called, "%d and %d calls for 12 and 30 layers", few.called,
              many.called);
    /* updates of several layers go into one nest, of as many as still fit: some shapes are new */
    cr_expect(many.defined <= few.defined + 4, "%d functions for 12 layers, %d for 30", few.defined, many.defined);
}

Test(outline, small_nests_stay_where_they_are) {
    Compiled c = compile_text(
        "data d { x: f32[5]; y: f32 }\n"
        "model m(x: f32[5]) -> f32 { return dense(x, 1)[0] }\n"
        "train fit { data = d; minimize = mse(m(x), y); optimizer = sgd(lr = 0.1); batch = 10 }\n",
        false);
    cr_assert(c.program != NULL);
    run_passes(&c, NULL, NULL);
    CodegenOptions options = {.cpu = "x86-64-v3", .triple = "x86_64-linux-gnu", .level = 3};
    Codegen *codegen = codegen_new(c.arena, &options, c.diagnostics);
    const Run *run = &c.program->runs[0];
    const char *prefix = "fit";
    Text llvm = text_new(c.arena);
    cr_assert(codegen_text(codegen, &llvm, &run, &prefix, 1, CODEGEN_LLVM));
    cr_expect(count_text(llvm.bytes, "call void @sgd.nest") == 0, "a step of a few numbers calls functions");
    codegen_free(codegen);
    arena_free(c.arena);
}
