/* --emit, and what sgdc does when nothing else is asked for: an object and its header.
 *
 * Texts go to stdout unless a path is given; object and header go beside the source or where -o says. Outputs
 * depend on the program and the options alone: no paths, no times in them.
 */
#include "codegen/c/c.h"
#include "codegen/codegen.h"
#include "codegen/object/interface.h"
#include "driver/training.h"
#include "driver/driver.h"
#include "driver/link.h"
#include "driver/manifest.h"
#include "driver/output.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* ---- names ---------------------------------------------------------------------------------------- */
static const char *stem_of(const Driver *driver) {
    return driver->options->name ? driver->options->name : driver->program->stem;
}

/* Beside the source, in the folder of -o, or where -o says. */
static const char *beside_source(Driver *driver, const char *extension) {
    const Options *o = driver->options;
    const char *file = text_format(driver->arena, "%s.%s", driver->program->stem, extension);
    if (!o->output) return path_below(driver->arena, path_folder(driver->arena, o->file), file);
    size_t length = strlen(o->output);
    if (o->output[length - 1] == '/' || path_is_folder(o->output)) return path_below(driver->arena, o->output, file);
    return o->output;
}

static const char *object_path(Driver *driver) { return beside_source(driver, "o"); }

static const char *header_path(Driver *driver) {
    const char *object = object_path(driver);
    size_t stem = strlen(object) - strlen(path_extension(object));
    return text_format(driver->arena, "%.*s.h", (int)stem, object);
}

/* ---- machine code ------------------------------------------------------------------------------------ */
/* Compilations for the processor levels an object carries, ascending; or one for --cpu, or for this machine. */
typedef struct Sessions {
    Codegen *session[MOST_OBJECT_PROCESSORS];
    int level[MOST_OBJECT_PROCESSORS], count;
    const char *const *prefixes; /* of the runs, in C */
    const char *last_pass;       /* on trees; NULL: all */
    Text unit, unit_header;      /* --emit=c: made once, for both */
} Sessions;

static bool open_session(Driver *driver, Sessions *sessions, const char *cpu, int level) {
    const Options *o = driver->options;
    CodegenOptions options = {.cpu = cpu,
                              .triple = o->target,
                              .level = o->optimize,
                              .last_pass = sessions->last_pass,
                              .tuned = driver_kept_folder(driver)};
    Codegen *codegen = codegen_new(driver->arena, &options, driver->diagnostics);
    if (!codegen) return false;
    sessions->session[sessions->count] = codegen;
    sessions->level[sessions->count++] = level;
    return true;
}

static bool open_sessions(Driver *driver, Sessions *sessions, bool for_object) {
    CodegenOptions options = {.cpu = driver->options->cpu, .triple = driver->options->target};
    ObjectProcessor processors[MOST_OBJECT_PROCESSORS];
    if (sessions->count) return true;
    if (!for_object) return open_session(driver, sessions, options.cpu, 0);
    int count = codegen_object_processors(driver->arena, &options, processors);
    bool good = true;
    for (int i = 0; i < count && good; i++)
        good = open_session(driver, sessions, processors[i].cpu, processors[i].level);
    return good;
}

static void close_sessions(Driver *driver, const Sessions *sessions) {
    for (int i = 0; i < sessions->count; i++) {
        codegen_free(sessions->session[i]);
        driver_add_codegen_times(driver, codegen_times(sessions->session[i]));
    }
}

static ExitCode write_text(Driver *driver, const char *path, const Text *text) {
    const char *problem;
    if (!path) path = "-";
    if (output_write(driver->arena, path, text->bytes, text->length, &problem)) return EXIT_DONE;
    driver_complain(driver, "%s %s", path, problem);
    return EXIT_DATA;
}

static Text make_object(Driver *driver, const Sessions *sessions, Text *exports) {
    Text bytes = text_new(driver->arena);
    Progress *progress = progress_begin(driver);
    interface_object(&bytes, driver->program, sessions->prefixes, sessions->session, sessions->level, sessions->count,
                     exports);
    progress_end(progress);
    return bytes;
}

static ExitCode write_object(Driver *driver, const Sessions *sessions, const char *path) {
    Text bytes = make_object(driver, sessions, NULL);
    return write_text(driver, path, &bytes);
}

/* The shared object is called by the file's name, so that who is linked with it finds it under that. */
static ExitCode write_shared(Driver *driver, const Sessions *sessions, const char *path) {
    const char *problem, *slash = strrchr(path, '/'), *soname = slash ? slash + 1 : path;
    if (codegen_architecture(sessions->session[0]) != codegen_host()) {
        driver_complain(driver,
                        "a shared object holds libsgdrt, which sgdc carries for this machine alone: for %s, link the "
                        "object of --emit=obj with a libsgdrt made there",
                        driver->options->target);
        return EXIT_USAGE;
    }
    if (strcmp(path, "-") == 0) soname = text_format(driver->arena, "%s.so", driver->program->stem);
    Text exports = text_new(driver->arena), library = text_new(driver->arena);
    Text object = make_object(driver, sessions, &exports);
    if (link_shared(&library, &object, &exports, soname, &problem)) return write_text(driver, path, &library);
    driver_complain(driver, "%s", problem);
    return EXIT_DATA;
}

static ExitCode write_manifest(Driver *driver, const Sessions *sessions, const char *path) {
    Text text = text_new(driver->arena);
    manifest_write(
        &text, driver->program,
        interface_blocks(driver->arena, driver->program, sessions->prefixes, sessions->session, sessions->count),
        driver->identities);
    return write_text(driver, path, &text);
}

static ExitCode write_header(Driver *driver, const Sessions *sessions, const char *path) {
    Text text = text_new(driver->arena);
    Progress *progress = progress_begin(driver);
    interface_header(&text, driver->program, stem_of(driver), sessions->prefixes, sessions->session, sessions->count);
    progress_end(progress);
    return write_text(driver, path, &text);
}

static bool machine_text(Driver *driver, const Sessions *sessions, CodegenText kind, Text *to) {
    const Program *program = driver->program;
    const Run **runs = arena_array(driver->arena, const Run *, program->run_count);
    for (int i = 0; i < program->run_count; i++) runs[i] = &program->runs[i];
    return codegen_text(sessions->session[0], to, runs, sessions->prefixes, program->run_count, kind);
}

static ExitCode write_machine_text(Driver *driver, const Sessions *sessions, CodegenText kind, const char *path) {
    Text text = text_new(driver->arena);
    Progress *progress = progress_begin(driver);
    bool good = machine_text(driver, sessions, kind, &text);
    progress_end(progress);
    if (!good) return EXIT_DEFECT;
    return write_text(driver, path, &text);
}

ExitCode driver_print_loops(Driver *driver, Text *to, const char *last_pass) {
    const char *const *prefixes = interface_prefixes(driver->arena, driver->program, stem_of(driver));
    if (!prefixes) return EXIT_SOURCE;
    Sessions sessions = {.prefixes = prefixes, .last_pass = last_pass};
    if (!open_session(driver, &sessions, driver->options->cpu, 0)) return EXIT_USAGE;
    machine_text(driver, &sessions, CODEGEN_LOOPS, to);
    close_sessions(driver, &sessions);
    return EXIT_DONE;
}

const char *driver_emit_path(Driver *driver, Emit emit) {
    if (emit.path) return emit.path;
    switch (emit.kind) {
    case EMIT_OBJ: return object_path(driver);
    case EMIT_SO: return beside_source(driver, "so");
    case EMIT_HEADER:
    case EMIT_C_HEADER: return header_path(driver);
    case EMIT_C: return beside_source(driver, "c");
    case EMIT_ONNX: return beside_source(driver, "onnx");
    case EMIT_AST:
    case EMIT_IR:
    case EMIT_GRAD:
    case EMIT_LOOPS:
    case EMIT_LLVM:
    case EMIT_ASM:
    case EMIT_MANIFEST:
    case EMIT_DOT:
    case EMIT_DEPS:
    case EMIT_KIND_COUNT: break;
    }
    return "-";
}

static ExitCode write_c(Driver *driver, Sessions *object, Emit emit) {
    if (object->unit.length == 0) {
        object->unit = object->unit_header = text_new(driver->arena);
        c_program(&object->unit, &object->unit_header, driver->program, stem_of(driver), object->prefixes, driver->map,
                  driver->options->optimize > 1);
    }
    return write_text(driver, driver_emit_path(driver, emit),
                      emit.kind == EMIT_C ? &object->unit : &object->unit_header);
}

/* ---- all of them ------------------------------------------------------------------------------------------- */
/* What make is told to have made: the object, or the shared one where that alone is asked for. */
static const char *target_of_make(Driver *driver) {
    int count;
    const Emit *emits = driver_emits(driver, &count), *shared = NULL;
    for (int i = 0; i < count; i++) {
        if (emits[i].kind == EMIT_OBJ) return object_path(driver);
        if (emits[i].kind == EMIT_SO) shared = &emits[i];
    }
    return shared ? driver_emit_path(driver, *shared) : object_path(driver);
}

static bool add_dependencies(Driver *driver, Text *to) {
    const Program *program = driver->program;
    bool good = text_add_make(to, target_of_make(driver), true);
    text_add(to, ":");
    for (int i = -1; i < program->included_count; i++) {
        text_add(to, " ");
        good &= text_add_make(to, i < 0 ? driver->options->file : program->included[i], false);
    }
    text_add(to, "\n");
    if (!good)
        driver_complain(driver,
                        "make has no word for a file name with a newline or one of ; | =, so these need other names");
    return good;
}

static ExitCode write_dependencies(Driver *driver, const char *path) {
    Text text = text_new(driver->arena);
    return add_dependencies(driver, &text) ? write_text(driver, path, &text) : EXIT_USAGE;
}

static ExitCode write_tree(Driver *driver, const char *path) {
    Text text = text_new(driver->arena);
    ast_print(&text, driver->ast);
    return write_text(driver, path, &text);
}

static ExitCode write_kept(Driver *driver, Emit emit) {
    Text text = text_new(driver->arena);
    text_add(&text, "%s", driver->kept[emit.kind]);
    return write_text(driver, emit.path, &text);
}

static ExitCode write_emit(Driver *driver, Sessions *texts, Sessions *object, Emit emit) {
    EmitOf of = emit_kind_of(emit.kind);
    bool for_object = of == EMIT_OF_OBJECT, by_session = for_object || of == EMIT_OF_PROCESSOR;
    if (by_session && !open_sessions(driver, for_object ? object : texts, for_object)) return EXIT_USAGE;
    switch (emit.kind) {
    case EMIT_AST: return write_tree(driver, emit.path);
    case EMIT_IR:
    case EMIT_GRAD:
    case EMIT_DOT: return write_kept(driver, emit);
    case EMIT_LOOPS: return write_machine_text(driver, texts, CODEGEN_LOOPS, emit.path);
    case EMIT_LLVM: return write_machine_text(driver, texts, CODEGEN_LLVM, emit.path);
    case EMIT_ASM: return write_machine_text(driver, texts, CODEGEN_ASM, emit.path);
    case EMIT_OBJ: return write_object(driver, object, driver_emit_path(driver, emit));
    case EMIT_SO: return write_shared(driver, object, driver_emit_path(driver, emit));
    case EMIT_HEADER: return write_header(driver, object, driver_emit_path(driver, emit));
    case EMIT_MANIFEST: return write_manifest(driver, object, emit.path);
    case EMIT_C:
    case EMIT_C_HEADER: return write_c(driver, object, emit);
    case EMIT_ONNX: return driver_emit_onnx(driver, driver_emit_path(driver, emit));
    case EMIT_DEPS: return write_dependencies(driver, emit.path);
    case EMIT_KIND_COUNT: break;
    }
    INTERNAL_ERROR("no kind %d to emit", (int)emit.kind);
}

static bool is_machine(EmitKind kind) { return emit_kind_of(kind) != EMIT_OF_GRAPHS; }

bool driver_makes_object(const Driver *driver) {
    const Options *o = driver->options;
    if (!o->emit.count) return !(options_train(o) || o->summary || o->check || o->check_grad);
    for (int i = 0; i < o->emit.count; i++)
        if (is_machine(o->emit.items[i].kind) || o->emit.items[i].kind == EMIT_ONNX) return true;
    return false;
}

/* `-o build/` makes the folder build. */
bool driver_make_folder(Driver *driver) {
    const char *output = driver->options->output;
    bool is_folder = output && output[strlen(output) - 1] == '/';
    if (!is_folder || !driver_makes_object(driver) || mkdir(output, 0777) == 0 || errno == EEXIST) return true;
    driver_complain(driver, "the folder %s cannot be made: %s", output, strerror(errno));
    return false;
}

/* The object comes last: to make, it stands for both. */
const Emit *driver_emits(const Driver *driver, int *count) {
    static const Emit header_and_object[] = {{EMIT_HEADER, NULL}, {EMIT_OBJ, NULL}};
    const Options *o = driver->options;
    *count = o->emit.count ? o->emit.count : driver_makes_object(driver) ? 2 : 0;
    return o->emit.count ? o->emit.items : header_and_object;
}

ExitCode driver_emit(Driver *driver) {
    int count;
    const Emit *emits = driver_emits(driver, &count);
    bool machine = false;
    for (int i = 0; i < count; i++) machine |= is_machine(emits[i].kind);
    if (driver_makes_object(driver) && driver->program->run_count == 0) {
        driver_complain_no_run(driver, "there is nothing to compile");
        return EXIT_SOURCE;
    }
    if (machine && !classes_for_objects(driver)) return EXIT_DATA;
    const char *const *prefixes = machine ? interface_prefixes(driver->arena, driver->program, stem_of(driver)) : NULL;
    if (machine && !prefixes) return EXIT_SOURCE;
    Sessions texts = {.prefixes = prefixes}, object = {.prefixes = prefixes};
    ExitCode code = EXIT_DONE;
    for (int i = 0; i < count && code == EXIT_DONE; i++) code = write_emit(driver, &texts, &object, emits[i]);
    close_sessions(driver, &texts);
    close_sessions(driver, &object);
    return code;
}
