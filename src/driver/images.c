/* images: a folder of pictures as a data set.
 *
 * The folders in it are the classes. Files whose names end in .png, .jpg or .jpeg count, others are left alone. All pictures
 * have the size that the field declares, [height, width] or [channels, height, width]: scaling one is a decision about data,
 * which is made before. Colours become grey by their weights in what the eye sees (0.299, 0.587, 0.114), and grey becomes three
 * equal colours, as the declared channels ask.
 */
#include "driver/images.h"
#include "driver/output.h"
#include "problem.h"
#include "table.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MOST_FILE_BYTES ((size_t)1 << 28)

/* ---- which files ---------------------------------------------------------------------------- */
typedef struct PictureFile {
    char *path;
    int32_t class; /* -1: it lies in no class's folder */
} PictureFile;

typedef struct PictureFiles {
    PictureFile *items;
    size_t count, capacity;
} PictureFiles;

static int is_shown(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

/* What the folder holds, in the order of bytes; -1 after a problem, which is told of `root`. */
static int list(const char *root, const char *folder, struct dirent ***entries, sgdrt_problem *problem) {
    int count = scandir(folder, entries, is_shown, by_name);
    if (count < 0)
        sgdrt_problem_set(problem, PROBLEM_READ, root, 0, 0, "%.200s cannot be read: %s", folder, strerror(errno));
    return count;
}

static void free_list(struct dirent **entries, int count) {
    for (int i = 0; i < count; i++) free(entries[i]);
    if (count >= 0) free(entries);
}

static char *below(const char *folder, const char *name) {
    size_t length = strlen(folder) + strlen(name) + 2;
    char *path = malloc(length);
    if (path) snprintf(path, length, "%s/%s", folder, name);
    return path;
}

static ImageReader *reader_of(const char *name) {
    const char *dot = strrchr(name, '.');
    if (dot && strcasecmp(dot, ".png") == 0) return image_read_png;
    return dot && (strcasecmp(dot, ".jpg") == 0 || strcasecmp(dot, ".jpeg") == 0) ? image_read_jpeg : NULL;
}

static bool add_file(PictureFiles *files, char *path, int32_t class) {
    if (files->count == files->capacity) {
        size_t larger = 2 * files->capacity + 64;
        PictureFile *grown = realloc(files->items, sizeof *grown * larger);
        if (!grown) return false;
        files->items = grown;
        files->capacity = larger;
    }
    files->items[files->count++] = (PictureFile){path, class};
    return true;
}

static void free_files(PictureFiles *files) {
    for (size_t i = 0; i < files->count; i++) free(files->items[i].path);
    free(files->items);
}

/* The pictures of one folder. */
static int list_pictures(const char *root, const char *folder, int32_t class, PictureFiles *files,
                         sgdrt_problem *problem) {
    struct dirent **entries = NULL;
    int count = list(root, folder, &entries, problem), code = count < 0 ? problem->code : 0;
    for (int i = 0; i < count && !code; i++) {
        char *path = below(folder, entries[i]->d_name);
        bool picture = path && reader_of(path) && path_is_file(path);
        if (!path || (picture && !add_file(files, path, class))) code = sgdrt_problem_memory(problem, root, 0);
        if (!picture || code) free(path);
    }
    free_list(entries, count);
    return code;
}

static int32_t class_of(const sgdrt_column_request *labels, const char *name) {
    for (int i = 0; i < labels->remap_count; i++)
        if (strcmp(labels->remap_words[i], name) == 0) return i;
    return -1;
}

/* labels NULL: classes do not matter. */
static int list_classes(const char *folder, const sgdrt_column_request *labels, PictureFiles *files,
                        sgdrt_problem *problem) {
    struct dirent **entries = NULL;
    int code = labels ? 0 : list_pictures(folder, folder, -1, files, problem);
    int count = code ? -1 : list(folder, folder, &entries, problem);
    if (!code && count < 0) code = problem->code;
    for (int i = 0; i < count && !code; i++) {
        char *path = below(folder, entries[i]->d_name);
        int32_t class = labels ? class_of(labels, entries[i]->d_name) : 0;
        if (!path) {
            code = sgdrt_problem_memory(problem, folder, 0);
        } else if (path_is_folder(path) && class < 0) {
            code = sgdrt_problem_set(problem, PROBLEM_UNKNOWN, folder, 0, 0,
                                     "the folder %.100s is none of the %d classes that were learnt", entries[i]->d_name,
                                     labels->remap_count);
        } else if (path_is_folder(path)) {
            code = list_pictures(folder, path, class, files, problem);
        } else if (labels && reader_of(path)) {
            code = sgdrt_problem_set(problem, PROBLEM_LABEL, folder, 0, 0, "%.100s lies in no class's folder",
                                     entries[i]->d_name);
        }
        free(path);
    }
    free_list(entries, count);
    return code;
}

int images_learn(const char *folder, const char *field, int64_t most, sgdrt_vocabulary *names, sgdrt_problem *problem) {
    struct dirent **entries = NULL;
    int count = list(folder, folder, &entries, problem), code = count < 0 ? problem->code : 0;
    size_t bytes = 1;
    *names = (sgdrt_vocabulary){0};
    for (int i = 0; i < count; i++) bytes += sizeof *names->words + strlen(entries[i]->d_name) + 1;
    if (!code && !(names->own = names->words = malloc(bytes))) code = sgdrt_problem_memory(problem, folder, bytes);
    char *to = code ? NULL : (char *)(names->words + count);
    for (int i = 0; i < count && !code; i++) {
        char *path = below(folder, entries[i]->d_name);
        if (path && path_is_folder(path)) {
            names->words[names->count++] = to;
            to = stpcpy(to, entries[i]->d_name) + 1;
        }
        free(path);
    }
    free_list(entries, count);
    if (code || names->count <= most) return code;
    code = sgdrt_problem_set(problem, PROBLEM_VOCABULARY, folder, 0, 0,
                             "there are %lld folders, and %s is a label[%lld]", (long long)names->count, field,
                             (long long)most);
    sgdrt_problem_help(problem, "a class has a folder: label[%lld]", (long long)names->count);
    sgdrt_free_vocabulary(names);
    return code;
}

/* ---- pixels ----------------------------------------------------------------------------------- */
/* Problems are told of the whole folder, which outlives them: `name` is the file in it. */
static int read_bytes(const char *root, const char *path, const char *name, unsigned char **bytes, size_t *length,
                      sgdrt_problem *problem) {
    FILE *file = fopen(path, "rb");
    long end = file && !fseek(file, 0, SEEK_END) ? ftell(file) : -1;
    int code = 0;
    *bytes = NULL;
    *length = end > 0 ? (size_t)end : 0;
    if (end < 0)
        code = sgdrt_problem_set(problem, PROBLEM_READ, root, 0, 0, "%.200s cannot be read: %s", name, strerror(errno));
    else if (*length > MOST_FILE_BYTES)
        code = sgdrt_problem_set(problem, PROBLEM_TOO_LARGE, root, 0, 0, "%.200s is larger than a picture can be",
                                 name);
    else if (!(*bytes = malloc(*length + 1)))
        code = sgdrt_problem_memory(problem, root, *length);
    else if (fseek(file, 0, SEEK_SET) || fread(*bytes, 1, *length, file) != *length)
        code = sgdrt_problem_set(problem, PROBLEM_READ, root, 0, 0, "%.200s cannot be read: %s", name, strerror(errno));
    if (file) fclose(file);
    return code;
}

/* From pixels side by side to the declared channels, one after the other. */
static void put_pixels(const Image *image, int channels, unsigned char *to) {
    int64_t pixels = image->width * image->height;
    for (int64_t i = 0; i < pixels; i++) {
        const unsigned char *from = image->bytes + i * image->channels;
        if (channels == 1 && image->channels == 3)
            to[i] = (unsigned char)((299 * from[0] + 587 * from[1] + 114 * from[2] + 500) / 1000);
        for (int c = 0; c < channels && !(channels == 1 && image->channels == 3); c++)
            to[c * pixels + i] = from[image->channels == 3 ? c : 0];
    }
}

static int put_picture(const char *root, const char *path, const sgdrt_column_request *column, unsigned char *to,
                       sgdrt_problem *problem) {
    int64_t height = column->shape[column->rank - 2], width = column->shape[column->rank - 1];
    int channels = column->rank == 3 ? (int)column->shape[0] : 1;
    unsigned char *bytes;
    size_t length;
    const char *why = NULL, *name = path + strlen(root) + 1;
    Image image = {0};
    int code = read_bytes(root, path, name, &bytes, &length, problem);
    if (!code && !reader_of(path)(bytes, length, width, height, &image, &why)) {
        code = sgdrt_problem_set(problem, PROBLEM_HEADER, root, 0, 0, "%.200s %s", name, why);
    } else if (!code && !image.bytes) {
        code = sgdrt_problem_set(problem, PROBLEM_SHAPE, root, 0, 0,
                                 "%.200s is %lld pixels wide and %lld high, and %s are %lld wide and %lld high", name,
                                 (long long)image.width, (long long)image.height, column->name, (long long)width,
                                 (long long)height);
        sgdrt_problem_help(problem, "all pictures have one size; scale them before");
    }
    if (!code) put_pixels(&image, channels, to);
    free(image.bytes);
    free(bytes);
    return code;
}

/* ---- the table ---------------------------------------------------------------------------------- */
static int put_row(const sgdrt_request *request, const PictureFile *file, sgdrt_table *table, int64_t row,
                   sgdrt_problem *problem) {
    int code = 0;
    for (int c = 0; c < request->column_count && !code; c++) {
        void *to = sgdrt_row(table, c, row);
        if (request->columns[c].part == SGDRT_LABELS)
            memcpy(to, &file->class, sizeof file->class);
        else
            code = put_picture(request->path, file->path, &request->columns[c], to, problem);
    }
    return code;
}

static int load(const sgdrt_request *request, PictureFiles *files, sgdrt_table **table, sgdrt_problem *problem) {
    const sgdrt_column_request *labels = NULL;
    int64_t begin, end;
    for (int c = 0; c < request->column_count; c++)
        if (request->columns[c].part == SGDRT_LABELS) labels = &request->columns[c];
    int code = list_classes(request->path, labels, files, problem);
    if (!code && !files->count)
        code = sgdrt_problem_set(problem, PROBLEM_EMPTY, request->path, 0, 0,
                                 "there is no picture (.png, .jpg, .jpeg) in the folders of this one");
    if (!code) code = sgdrt_row_range(request->path, request, (int64_t)files->count, &begin, &end, problem);
    if (!code)
        code = sgdrt_new_table(request->name, request->columns, request->column_count, end - begin, table, problem);
    for (int64_t r = 0; !code && r < end - begin; r++) {
        code = put_row(request, &files->items[begin + r], *table, r, problem);
        if (request->progress && r % 64 == 0)
            request->progress(request->progress_context, request->path, (double)r / (double)(end - begin));
    }
    return code;
}

int images_load(const sgdrt_request *request, sgdrt_table **result, sgdrt_problem *problem) {
    PictureFiles files = {0};
    sgdrt_table *table = NULL;
    int code = load(request, &files, &table, problem);
    free_files(&files);
    if (code)
        sgdrt_free_table(table);
    else
        *result = table;
    return code;
}
