/* object_model: the C API inside an emitted object. */
#ifndef SGDC_OBJECT_MODEL_H
#define SGDC_OBJECT_MODEL_H
#include "codegen/codegen.h"
#include "codegen/object/header.h"

typedef struct ObjectBlock {
    HeaderBlock header;
    size_t work_bytes; /* the most any entry needs */
    uint64_t shared;   /* CodegenSizes */
    int level_count;   /* processor levels carried, ascending; code_prefix[i] + "__step" ... */
    const int *levels;
    const char *const *code_prefix;
} ObjectBlock;
typedef struct ObjectModel {
    Arena *arena;
    Architecture architecture;
    const ObjectBlock *blocks;
    int count;
    bool shared; /* for a shared object: with library.c */
} ObjectModel;

/* A CodegenExtra.add: context is an ObjectModel. */
struct LLVMOpaqueModule;
void object_model_add(struct LLVMOpaqueModule *module, void *context);

/* ---- embedded.c: the functions that every object carries, as LLVM bitcode */
const char *embedded_bitcode(Architecture architecture, size_t *bytes);

/* ---- library.c: what a shared object has besides */
/* Adds the functions of the run that call libsgdrt, and PREFIX_rows. */
void object_library_add(struct LLVMOpaqueModule *module, Arena *arena, const Run *run, const char *prefix);
/* The linker's version script: what a shared object of these runs exports. */
void object_library_exports(Text *to, const Run *const *runs, const char *const *prefixes, int count);
#endif
