/* plot: gnuplot as a child process. The script goes in through a temporary file, the picture comes back
 * through a pipe and is written whole or not at all; nothing is left behind when it fails. */
#define _GNU_SOURCE
#include "driver/plot_internal.h"
#include "driver/child.h"
#include "driver/interrupt.h"
#include "driver/output.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEFAULT_COLUMNS = 100, LEAST_COLUMNS = 40, MOST_COLUMNS = 200, PATIENCE_MS = 60000 };

static bool find_format(const char *path, PlotFormat *format) {
    static const struct {
        const char *extension;
        PlotFormat format;
    } formats[] = {{".svg", PLOT_SVG}, {".png", PLOT_PNG}, {".pdf", PLOT_PDF}, {".gp", PLOT_SCRIPT}};
    const char *extension = path_extension(path);
    if (strcmp(path, "-") == 0) {
        *format = PLOT_TERMINAL;
        return true;
    }
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(extension, formats[i].extension) == 0) {
            *format = formats[i].format;
            return true;
        }
    return false;
}

/* A file of the script, positioned at its beginning; NULL if there is no room for one. */
static FILE *script_file(const char *script) {
    FILE *file = tmpfile();
    if (!file) return NULL;
    bool good = fputs(script, file) >= 0 && fflush(file) == 0 && fseek(file, 0, SEEK_SET) == 0;
    if (good && lseek(fileno(file), 0, SEEK_SET) == 0) return file;
    fclose(file);
    return NULL;
}

/* Until the writer has closed it; false if it says nothing for so long, or the user does not want to wait. */
static bool read_all(int from, Text *to, int patience_ms, int asked) {
    enum { GLANCE_MS = 100 };
    char chunk[1 << 14];
    for (int waited = 0; waited < patience_ms && interrupt_asked == asked;) {
        struct pollfd ready = {.fd = from, .events = POLLIN};
        int events = poll(&ready, 1, GLANCE_MS);
        if (events == 0) waited += GLANCE_MS;
        if (events <= 0) continue;
        ssize_t n = read(from, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return true;
        text_add_bytes(to, chunk, (size_t)n);
        waited = 0;
    }
    return false;
}

bool plot_draw(Arena *arena, const char *script, int patience_ms, Text *picture, const char **problem) {
    FILE *in = script_file(script), *complaints = tmpfile();
    int ends[2] = {-1, -1}, code = 0, asked = interrupt_asked; /* what ended training does not end its plot */
    char *arguments[] = {"gnuplot", "-", NULL};
    pid_t child;
    bool good = false, ended = true;
    if (!in || !complaints || pipe2(ends, O_CLOEXEC)) {
        *problem = text_format(arena, "the plot cannot be drawn: %s", strerror(errno));
    } else {
        int error = child_start(arguments, fileno(in), ends[1], fileno(complaints), &child);
        close(ends[1]);
        ends[1] = -1;
        if (error == 0) {
            ended = read_all(ends[0], picture, patience_ms, asked);
            if (!ended) kill(child, SIGKILL);
            code = child_wait(child);
        }
        good = error == 0 && ended && code == 0 && picture->length > 0;
        if (error == ENOENT || (error == 0 && code == CHILD_NOT_FOUND))
            *problem = "plots are drawn by gnuplot, and it is not installed; --plot FILE.gp writes the script alone";
        else if (!ended)
            *problem = interrupt_asked != asked
                           ? "the plot was interrupted"
                           : text_format(arena, "gnuplot drew nothing for %d s, and was ended", patience_ms / 1000);
        else if (error)
            *problem = text_format(arena, "gnuplot cannot be started: %s", strerror(error));
        else if (!good)
            *problem = text_format(arena, "gnuplot failed%s", child_complaint(arena, complaints));
    }
    for (int i = 0; i < 2; i++)
        if (ends[i] >= 0) close(ends[i]);
    if (in) fclose(in);
    if (complaints) fclose(complaints);
    return good;
}

/* Replaces every `from`. */
static Text replaced(Arena *arena, const Text *in, const char *from, const char *to) {
    Text out = text_new(arena);
    const char *at = in->bytes, *end = at + in->length, *found;
    while ((found = memmem(at, (size_t)(end - at), from, strlen(from))) != NULL) {
        text_add_bytes(&out, at, (size_t)(found - at));
        text_add_bytes(&out, to, strlen(to));
        at = found + strlen(from);
    }
    text_add_bytes(&out, at, (size_t)(end - at));
    return out;
}

/* gnuplot names one font family; a browser wants a list that ends in what it surely has. It also shows the
 * title. */
static Text finished_svg(Arena *arena, const char *name, const Text *svg) {
    Text title = text_new(arena);
    text_add(&title, "<title>");
    text_add_xml(&title, name);
    text_add(&title, "</title>");
    Text titled = replaced(arena, svg, "<title>Gnuplot</title>", title.bytes);
    return replaced(arena, &titled, "font-family=\"Helvetica\"",
                    "font-family=\"Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif\"");
}

/* Without form feeds, blanks at line ends, and blank lines but one between the panels. */
static void print_characters(const Text *picture, FILE *to) {
    bool begun = false, blank = false;
    for (const char *line = picture->bytes; *line;) {
        size_t length = strcspn(line, "\n"), shown = length;
        const char *text = line;
        while (shown && *text == '\f') text++, shown--;
        while (shown && (text[shown - 1] == ' ' || text[shown - 1] == '\f')) shown--;
        if (shown && blank && begun) fputc('\n', to);
        if (shown) fprintf(to, "%.*s\n", (int)shown, text);
        blank = !shown;
        begun |= shown > 0;
        line += length + (line[length] == '\n');
    }
}

bool plot_find_format(Arena *arena, const char *path, PlotFormat *format, const char **problem) {
    if (find_format(path, format)) return true;
    *problem = text_format(arena, "%s: plots end in .svg, .png, .pdf or .gp (the script), or are \"-\" (the terminal)",
                           path);
    return false;
}

int plot_columns(int columns) {
    if (columns <= 0) return DEFAULT_COLUMNS;
    return columns < LEAST_COLUMNS ? LEAST_COLUMNS : columns > MOST_COLUMNS ? MOST_COLUMNS : columns;
}

bool plot_put(Arena *arena, const char *path, PlotFormat format, const char *title, const char *script, FILE *terminal,
              const char **problem) {
    Text picture = text_new(arena);
    const char *part;
    if (format == PLOT_SCRIPT)
        text_add_bytes(&picture, script, strlen(script));
    else if (!plot_draw(arena, script, PATIENCE_MS, &picture, problem))
        return false;
    if (format == PLOT_TERMINAL) {
        print_characters(&picture, terminal);
        return true;
    }
    if (format == PLOT_SVG) picture = finished_svg(arena, title, &picture);
    if (output_write(arena, path, picture.bytes, picture.length, &part)) return true;
    *problem = text_format(arena, "%s %s", path, part);
    return false;
}

bool plot_write(Arena *arena, const char *path, const char *title, const PlotRun *runs, int run_count, FILE *terminal,
                int columns, const char **problem) {
    Plot plot = {.arena = arena, .title = title, .runs = runs, .run_count = run_count};
    PlotFormat format;
    if (!plot_find_format(arena, path, &format, problem)) return false;
    plot_scale(&plot);
    const char *script = plot_script(&plot, format, path, plot_columns(columns),
                                     format == PLOT_TERMINAL && isatty(fileno(terminal)));
    return plot_put(arena, path, format, title, script, terminal, problem);
}
