/* link: a shared object from an object and the libsgdrt that sgdc carries, by the system's linker.
 *
 * The linker itself is called, not a compiler that would call it: what goes in is all known here, so that a machine needs
 * no compiler, no start files and no -dev packages, and any linker that takes GNU's options makes the same. The libraries of
 * the system are those that this process has loaded. Inputs lie in memory; what comes out is written by who asked for it.
 */
#define _GNU_SOURCE
#include "driver/link.h"
#include "driver/child.h"
#include "driver/interrupt.h"
#include "support/carry.h"
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

CARRY(libsgdrt, SGDC_CARRIED_LIBSGDRT);
#ifdef SGDC_CARRIED_CJSON
CARRY(cjson, SGDC_CARRIED_CJSON);
#endif

enum { MOST_INPUTS = 4 };
typedef struct Linking {
    Arena *arena;
    Vector(char *) arguments;
    int inputs[MOST_INPUTS], input_count;
    char *result; /* where the linker writes */
    const char **problem;
} Linking;

static void add(Linking *l, const char *argument) {
    vector_push(l->arena, &l->arguments, text_format(l->arena, "%s", argument));
}

static bool failed(Linking *l, const char *what) {
    *l->problem = text_format(l->arena, "the shared object cannot be linked: %s: %s", what, strerror(errno));
    return false;
}

/* A path that leads to these bytes, for the child. */
static const char *input(Linking *l, const char *name, const char *bytes, size_t length) {
    int fd = memfd_create(name, 0);
    if (fd < 0) return NULL;
    l->inputs[l->input_count++] = fd;
    while (length > 0) {
        ssize_t n = write(fd, bytes, length);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return NULL;
        bytes += n;
        length -= (size_t)n;
    }
    return text_format(l->arena, "/proc/self/fd/%d", fd);
}

static int add_library(struct dl_phdr_info *info, size_t bytes, void *context) {
    static const char *const needed[] = {"libcjson.so.", "libm.so.", "libpthread.so.", "libc.so."};
    const char *slash = strrchr(info->dlpi_name, '/');
    (void)bytes;
    for (size_t i = 0; slash && i < sizeof needed / sizeof *needed; i++)
        if (strncmp(slash + 1, needed[i], strlen(needed[i])) == 0) add(context, info->dlpi_name);
    return 0;
}

static bool add_inputs(Linking *l, const Text *object, const Text *exports) {
    const char *script = input(l, "exports", exports->bytes, exports->length);
    const char *model = script ? input(l, "object", object->bytes, object->length) : NULL;
    const char *runtime = model ? input(l, "libsgdrt", CARRIED_BEGIN(libsgdrt),
                                        (size_t)(CARRIED_END(libsgdrt) - CARRIED_BEGIN(libsgdrt)))
                                : NULL;
    if (!runtime) return failed(l, "memory for the linker");
    add(l, text_format(l->arena, "--version-script=%s", script));
    add(l, model);
    add(l, runtime);
#ifdef SGDC_CARRIED_CJSON
    const char *cjson = input(l, "cjson", CARRIED_BEGIN(cjson), (size_t)(CARRIED_END(cjson) - CARRIED_BEGIN(cjson)));
    if (!cjson) return failed(l, "memory for the linker");
    add(l, cjson);
#endif
    dl_iterate_phdr(add_library, l);
    return true;
}

static bool make_result(Linking *l) {
    const char *folder = getenv("TMPDIR");
    l->result = text_format(l->arena, "%s/sgdc-XXXXXX", folder && *folder ? folder : "/tmp");
    interrupt_hold();
    int fd = mkstemp(l->result);
    if (fd >= 0) interrupt_add_file(l->result);
    interrupt_release();
    if (fd < 0) {
        bool made = failed(l, l->result);
        l->result = NULL;
        return made;
    }
    close(fd);
    return true;
}

static void add_options(Linking *l, const char *soname) {
    static const char *const options[] = {
        "-shared", "-Bsymbolic",  "--gc-sections",    "--as-needed",     "--strip-debug", "-z", "relro", "-z", "now",
        "-z",      "noexecstack", "--hash-style=gnu", "--build-id=sha1", "--eh-frame-hdr"};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) add(l, options[i]);
    add(l, "-soname");
    add(l, soname);
    add(l, "-o");
    add(l, l->result);
}

/* Runs the linker; errno ENOENT in *error if there is none of this name. */
static bool run(Linking *l, const char *linker, int *error) {
    FILE *complaints = tmpfile();
    if (!complaints) {
        *error = errno;
        return failed(l, "a temporary file");
    }
    l->arguments.items[0] = text_format(l->arena, "%s", linker);
    pid_t child;
    int code = -1, out = fileno(complaints);
    *error = child_start(l->arguments.items, STDIN_FILENO, out, out, &child);
    if (*error == 0) code = child_wait(child);
    if (code == CHILD_NOT_FOUND) *error = ENOENT;
    if (*error)
        *l->problem = text_format(l->arena, "the linker %s cannot be started: %s", linker, strerror(*error));
    else if (code != 0)
        *l->problem = text_format(l->arena, "the linker %s failed%s", linker, child_complaint(l->arena, complaints));
    fclose(complaints);
    return *error == 0 && code == 0;
}

static bool run_any(Linking *l) {
    const char *const linkers[] = {"ld", "ld.lld", text_format(l->arena, "ld.lld-%d", SGDC_LLVM_VERSION), "ld.gold",
                                   "mold"};
    const char *wanted = getenv("LD");
    int error;
    if (wanted && *wanted) return run(l, wanted, &error);
    for (size_t i = 0; i < sizeof linkers / sizeof *linkers; i++) {
        if (run(l, linkers[i], &error)) return true;
        if (error != ENOENT) return false;
    }
    *l->problem =
        "a shared object needs a linker, and there is neither ld nor ld.lld here: install binutils or lld, or name "
        "a linker in the environment variable LD";
    return false;
}

static bool read_result(Linking *l, Text *to) {
    static char chunk[1 << 16];
    int fd = open(l->result, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return failed(l, l->result);
    ssize_t n;
    while ((n = read(fd, chunk, sizeof chunk)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0) text_add_bytes(to, chunk, (size_t)n);
    bool good = n == 0 || failed(l, l->result);
    close(fd);
    return good;
}

bool link_shared(Text *to, const Text *object, const Text *exports, const char *soname, const char **problem) {
    Linking l = {.arena = to->arena, .problem = problem};
    bool good = make_result(&l);
    if (good) {
        add(&l, "");
        add_options(&l, soname);
        good = add_inputs(&l, object, exports);
        vector_push(l.arena, &l.arguments, NULL);
        good = good && run_any(&l) && read_result(&l, to);
        unlink(l.result);
        interrupt_file_gone(l.result);
    }
    for (int i = 0; i < l.input_count; i++) close(l.inputs[i]);
    return good;
}
