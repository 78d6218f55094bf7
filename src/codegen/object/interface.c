/* interface: the object and the header of a program's runs, side by side: prefixes, sizes, which columns predict
 * reads, and the processor levels the object carries.
 */
#include "codegen/object/interface.h"
#include "codegen/object/exported_names.h"
#include "codegen/object/object_model.h"
#include "core.h"
#include "model.h"
#include <string.h>

const char *const *interface_prefixes(Arena *arena, const Program *program, const char *stem) {
    const char **prefixes = arena_array(arena, const char *, program->run_count + 1);
    for (int i = 0; i < program->run_count; i++) {
        const char *name = program->runs[i].name;
        prefixes[i] = exported_prefix(arena, program->run_count == 1 ? stem : text_format(arena, "%s_%s", stem, name));
    }
    return exported_prefixes_differ(program, prefixes) ? prefixes : NULL;
}

/* The most that any of the sessions needs. */
static CodegenSizes sizes_of(const Run *run, Codegen *const *sessions, int count) {
    CodegenSizes most = {0};
    for (int i = 0; i < count; i++) {
        CodegenSizes sizes = codegen_sizes(sessions[i], run);
        if (sizes.most > most.most) most.most = sizes.most;
        if (sizes.predict > most.predict) most.predict = sizes.predict;
        most.shared |= sizes.shared;
    }
    return most;
}

static HeaderBlock block_of(Arena *arena, const Run *run, const char *prefix, CodegenSizes sizes) {
    return (HeaderBlock){
        .run = run,
        .prefix = prefix,
        .train_bytes = sgdrt_instance_bytes(run->state_bytes, sizes.most, run_sums(run)),
        .predict_bytes = sgdrt_whole_lines(sizes.predict),
        .predicts = header_predicts(arena, run),
        .reads = header_reads(arena, run),
    };
}

const HeaderBlock *interface_blocks(Arena *arena, const Program *program, const char *const *prefixes,
                                    Codegen *const *sessions, int levels) {
    HeaderBlock *blocks = arena_array(arena, HeaderBlock, program->run_count + 1);
    for (int i = 0; i < program->run_count; i++)
        blocks[i] = block_of(arena, &program->runs[i], prefixes[i], sizes_of(&program->runs[i], sessions, levels));
    return blocks;
}

void interface_header(Text *to, const Program *program, const char *stem, const char *const *prefixes,
                      Codegen *const *sessions, int levels) {
    const HeaderBlock *blocks = interface_blocks(to->arena, program, prefixes, sessions, levels);
    const char *source = text_format(to->arena, "%s.sgd", program->stem);
    header_write(to, source, exported_identifier(to->arena, stem), blocks, program->run_count);
}

void interface_object(Text *to, const Program *program, const char *const *prefixes, Codegen *const *sessions,
                      const int *levels, int level_count, Text *exports) {
    Arena *arena = to->arena;
    int count = program->run_count;
    ObjectBlock *blocks = arena_array(arena, ObjectBlock, count + 1);
    const Run **runs = arena_array(arena, const Run *, count + 1);
    const char **code = arena_array(arena, const char *, count *level_count + 1);
    for (int i = 0; i < count; i++) {
        runs[i] = &program->runs[i];
        CodegenSizes sizes = sizes_of(runs[i], sessions, level_count);
        const char **of_levels = arena_array(arena, const char *, level_count);
        blocks[i].header = block_of(arena, runs[i], prefixes[i], sizes);
        blocks[i].work_bytes = sizes.most;
        blocks[i].shared = sizes.shared;
        blocks[i].level_count = level_count;
        blocks[i].levels = levels;
        blocks[i].code_prefix = of_levels;
        for (int k = 0; k < level_count; k++)
            code[k * count + i] = of_levels[k] = level_count == 1
                                                     ? prefixes[i]
                                                     : text_format(arena, "%s__v%d", prefixes[i], levels[k]);
    }
    ObjectModel object = {arena, codegen_architecture(sessions[0]), blocks, count, exports != NULL};
    if (exports) object_library_exports(exports, runs, prefixes, count);
    CodegenExtra extra = {object_model_add, &object};
    codegen_object(sessions, level_count, to, runs, code, count, &extra);
}
