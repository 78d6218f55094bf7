/* input: files and gzip streams behind one read call.
 *
 * inflate is driven here rather than through gzread: gzread passes a truncated or unchecksummed tail as an
 * end of file in some versions, and takes a file that merely begins like gzip as plain. Here every member's
 * checksum and length are zlib's to verify, a stream that stops early is an error, members follow each other
 * as gzip allows, and anything else after the last one (but for zeros, which tar and tape pad with) is an
 * error.
 */
#include "input.h"
#include "problem.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { RAW_BYTES = 1 << 16, MOST_INFLATION = 1032 };

struct Input {
    const char *path;
    int fd;
    bool live, is_gzip, raw_ended, member_ended;
    bool again, placed; /* again: the file is another input's; placed: bytes come from `place` on */
    uint64_t place;
    uint64_t taken;  /* of its bytes */
    uint64_t size;   /* of the file; UINT64_MAX: not a regular file */
    z_stream stream; /* gzip; next_in, avail_in also serve a plain file's first bytes */
    unsigned char raw[RAW_BYTES];
};

static int read_problem(const Input *input, sgdrt_problem *problem) {
    return sgdrt_problem_set(problem, PROBLEM_READ, input->path, 0, 0, "cannot be read: %s", strerror(errno));
}

/* Reads from the file itself, as often as the system wants; of a live one no more than is there, once it is `least`. */
static int raw_read(Input *input, void *to, size_t least, size_t wanted, size_t *got, sgdrt_problem *problem) {
    size_t have = 0, enough = input->live ? least : wanted;
    while (have < enough) {
        ssize_t n = input->placed ? pread(input->fd, (char *)to + have, wanted - have, (off_t)(input->place + have))
                                  : read(input->fd, (char *)to + have, wanted - have);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return read_problem(input, problem);
        if (n == 0) break;
        have += (size_t)n;
    }
    *got = have;
    input->taken += have;
    input->place += have;
    return 0;
}

static int raw_refill(Input *input, size_t least, sgdrt_problem *problem) {
    size_t got = 0;
    int code = raw_read(input, input->raw, least, RAW_BYTES, &got, problem);
    input->stream.next_in = input->raw;
    input->stream.avail_in = (uInt)got;
    input->raw_ended = got < (input->live ? least : RAW_BYTES);
    return code;
}

static int gzip_problem(const Input *input, sgdrt_problem *problem, const char *what) {
    return sgdrt_problem_set(problem, PROBLEM_GZIP, input->path, 0, 0, "the file is a damaged gzip file: %s", what);
}

/* A pipe that nobody writes to would be waited for, and a device may never end. */
static int open_file(Input *input, const char *path, sgdrt_problem *problem) {
    struct stat status;
    bool standard = strcmp(path, "-") == 0;
    input->fd = standard ? dup(0) : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (input->fd < 0 || fstat(input->fd, &status))
        return sgdrt_problem_set(problem, PROBLEM_READ, path, 0, 0, "cannot be opened: %s", strerror(errno));
    if (S_ISDIR(status.st_mode))
        return sgdrt_problem_set(problem, PROBLEM_READ, path, 0, 0, "cannot be read: it is a directory");
    if (!standard && !S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode)) {
        int code = sgdrt_problem_set(problem, PROBLEM_READ, path, 0, 0, "cannot be read: it is a device, not a file");
        sgdrt_problem_help(problem, "\"-\" is standard input");
        return code;
    }
    if (S_ISREG(status.st_mode)) input->size = (uint64_t)status.st_size;
    if (!standard && fcntl(input->fd, F_SETFL, O_RDONLY)) return read_problem(input, problem);
    return 0;
}

int sgdrt_input_open(const char *path, bool live, Input **result, sgdrt_problem *problem) {
    Input *input = calloc(1, sizeof *input);
    if (!input) return sgdrt_problem_memory(problem, path, sizeof *input);
    input->path = path;
    input->live = live;
    input->size = UINT64_MAX;
    int code = open_file(input, path, problem);
    if (!code) code = raw_refill(input, 2, problem); /* enough to see what it is */
    if (!code && input->stream.avail_in >= 2 && input->raw[0] == 0x1F && input->raw[1] == 0x8B) {
        if (inflateInit2(&input->stream, 15 + 16) != Z_OK)
            code = sgdrt_problem_memory(problem, path, RAW_BYTES);
        else
            input->is_gzip = true;
    }
    if (code) {
        sgdrt_input_close(input);
        return code;
    }
    *result = input;
    return 0;
}

/* After a member: another one, zeros to the end, or a problem. *more says whether inflating goes on. */
static int gzip_next_member(Input *input, bool *more, sgdrt_problem *problem) {
    *more = false;
    for (;;) {
        if (!input->stream.avail_in) {
            if (input->raw_ended) return 0;
            int code = raw_refill(input, 1, problem);
            if (code) return code;
            continue;
        }
        unsigned char first = *input->stream.next_in;
        if (first == 0x1F && input->member_ended) {
            inflateReset(&input->stream);
            input->member_ended = false;
            *more = true;
            return 0;
        }
        if (first != 0) return gzip_problem(input, problem, "something that is not gzip follows its end");
        input->stream.next_in++;
        input->stream.avail_in--;
    }
}

static int gzip_read(Input *input, void *to, size_t wanted, size_t *got, sgdrt_problem *problem) {
    size_t have = 0;
    while (have < wanted) {
        if (input->member_ended) {
            bool more;
            int code = gzip_next_member(input, &more, problem);
            if (code || !more) {
                *got = have;
                return code;
            }
        }
        if (!input->stream.avail_in && !input->raw_ended) {
            int code = raw_refill(input, 1, problem);
            if (code) return code;
        }
        size_t room = wanted - have > (1u << 30) ? 1u << 30 : wanted - have;
        input->stream.next_out = (unsigned char *)to + have;
        input->stream.avail_out = (uInt)room;
        int status = inflate(&input->stream, Z_NO_FLUSH);
        have += room - input->stream.avail_out;
        if (status == Z_STREAM_END)
            input->member_ended = true;
        else if (status == Z_BUF_ERROR ||
                 (status == Z_OK && !input->stream.avail_in && input->raw_ended && input->stream.avail_out))
            return gzip_problem(input, problem, "it ends early");
        else if (status != Z_OK)
            return gzip_problem(input, problem, input->stream.msg ? input->stream.msg : "inflate failed");
    }
    *got = have;
    return 0;
}

int sgdrt_input_read(Input *input, void *to, size_t wanted, size_t *got, sgdrt_problem *problem) {
    *got = 0;
    if (input->is_gzip) return gzip_read(input, to, wanted, got, problem);
    size_t first = input->stream.avail_in < wanted ? input->stream.avail_in : wanted, rest = 0;
    if (first) {
        memcpy(to, input->stream.next_in, first);
        input->stream.next_in += first;
        input->stream.avail_in -= (uInt)first;
    }
    int code = first < wanted && !input->raw_ended && !(input->live && first)
                   ? raw_read(input, (char *)to + first, 1, wanted - first, &rest, problem)
                   : 0;
    *got = first + rest;
    return code;
}

uint64_t sgdrt_input_most(const Input *input) {
    if (!input->is_gzip || input->size == UINT64_MAX) return input->size;
    return input->size < UINT64_MAX / MOST_INFLATION ? input->size * MOST_INFLATION : UINT64_MAX;
}

double sgdrt_input_part(const Input *input) {
    return input->size && input->size != UINT64_MAX ? (double)input->taken / (double)input->size : 0;
}

bool sgdrt_input_is_gzip(const Input *input) { return input->is_gzip; }

void sgdrt_input_close(Input *input) {
    if (!input) return;
    if (input->is_gzip) inflateEnd(&input->stream);
    if (input->fd >= 0 && !input->again) close(input->fd);
    free(input);
}

bool sgdrt_input_has_places(const Input *input) {
    return !input->is_gzip && !input->live && input->size != UINT64_MAX && strcmp(input->path, "-") != 0;
}

int sgdrt_input_open_again(const Input *input, Input **result, sgdrt_problem *problem) {
    Input *again = calloc(1, sizeof *again);
    if (!again) return sgdrt_problem_memory(problem, input->path, sizeof *again);
    again->path = input->path;
    again->fd = input->fd;
    again->size = input->size;
    again->again = true;
    sgdrt_input_seek(again, 0);
    *result = again;
    return 0;
}

void sgdrt_input_seek(Input *input, uint64_t place) {
    input->placed = true;
    input->place = input->taken = place;
    input->stream.avail_in = 0;
    input->raw_ended = false;
}

int sgdrt_input_exact(Input *input, void *to, size_t wanted, const char *what, sgdrt_problem *problem) {
    size_t got;
    int code = sgdrt_input_read(input, to, wanted, &got, problem);
    if (!code && got < wanted)
        code = sgdrt_problem_set(problem, PROBLEM_LENGTH, input->path, 0, 0,
                                 "the file ends early: %zu bytes of %s are missing", wanted - got, what);
    return code;
}

int sgdrt_input_end(Input *input, sgdrt_problem *problem) {
    char byte;
    size_t got;
    int code = sgdrt_input_read(input, &byte, 1, &got, problem);
    if (!code && got)
        code = sgdrt_problem_set(problem, PROBLEM_LENGTH, input->path, 0, 0,
                                 "the file goes on after the last value that its header announces");
    return code;
}
