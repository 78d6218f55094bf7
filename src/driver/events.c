/* events: figures for TensorBoard.
 *
 * A file is a list of records: length (8 bytes), checksum of the length, data, checksum of the data; checksums are CRC-32C,
 * rotated and moved by a constant ("masked"), all little-endian. The data is an Event of TensorBoard's event.proto, and
 * of protocol buffers only three kinds of field are needed: whole numbers of 7 bits a byte (0), 8 bytes (1), bytes with
 * their length (2), 4 bytes (5). A field begins with its number * 8 + its kind.
 *
 * Unlike other outputs the file grows under its own name, so that it can be watched; readers wait at a record that is not
 * whole. Each training writes a file of its own. It begins with a START at its first step: readers then forget what older
 * files of the folder say from there on.
 */
#define _GNU_SOURCE
#include "driver/events.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { KIND_VARINT, KIND_8_BYTES, KIND_BYTES, KIND_4_BYTES = 5 };
/* event.proto, summary.proto */
enum {
    EVENT_WALL_TIME = 1,
    EVENT_STEP,
    EVENT_FILE_VERSION,
    EVENT_SUMMARY = 5,
    EVENT_SESSION_LOG = 7,
    SESSION_STATUS = 1,
    SESSION_START = 1,
    SUMMARY_VALUE = 1,
    VALUE_TAG = 1,
    VALUE_SIMPLE = 2
};

/* ---- protocol buffers -------------------------------------------------------------------------- */
static void add_little_endian(Text *to, uint64_t value, int bytes) {
    char out[8];
    for (int i = 0; i < bytes; i++) out[i] = (char)(value >> (8 * i));
    text_add_bytes(to, out, (size_t)bytes);
}

static void add_varint(Text *to, uint64_t value) {
    for (; value >= 0x80; value >>= 7) add_little_endian(to, (value & 0x7f) | 0x80, 1);
    add_little_endian(to, value, 1);
}

static void add_key(Text *to, int field, int kind) { add_varint(to, (uint64_t)(field * 8 + kind)); }

static void add_number(Text *to, int field, uint64_t value) {
    add_key(to, field, KIND_VARINT);
    add_varint(to, value);
}

static void add_f64(Text *to, int field, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    add_key(to, field, KIND_8_BYTES);
    add_little_endian(to, bits, 8);
}

static void add_f32(Text *to, int field, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    add_key(to, field, KIND_4_BYTES);
    add_little_endian(to, bits, 4);
}

static void add_bytes(Text *to, int field, const char *bytes, size_t length) {
    add_key(to, field, KIND_BYTES);
    add_varint(to, length);
    text_add_bytes(to, bytes, length);
}

/* ---- records ----------------------------------------------------------------------------------- */
/* CRC-32C (Castagnoli), a bit at a time: a record has some hundred bytes. */
static uint32_t masked_checksum(const char *bytes, size_t length) {
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < length; i++) {
        crc ^= (unsigned char)bytes[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    crc = ~crc;
    return (crc >> 15 | crc << 17) + 0xa282ead8;
}

static void add_record(Text *to, const Text *event) {
    size_t begin = to->length;
    add_little_endian(to, event->length, 8);
    add_little_endian(to, masked_checksum(to->bytes + begin, 8), 4);
    text_add_bytes(to, event->bytes, event->length);
    add_little_endian(to, masked_checksum(event->bytes, event->length), 4);
}

static Text event_of(Arena *arena, double wall_time, int64_t step) {
    Text event = text_new(arena);
    add_f64(&event, EVENT_WALL_TIME, wall_time);
    if (step) add_number(&event, EVENT_STEP, (uint64_t)step);
    return event;
}

void event_add_version(Text *to, double wall_time) {
    static const char version[] = "brain.Event:2";
    Text event = event_of(to->arena, wall_time, 0);
    add_bytes(&event, EVENT_FILE_VERSION, version, sizeof version - 1);
    add_record(to, &event);
}

void event_add_start(Text *to, double wall_time, int64_t step) {
    Text event = event_of(to->arena, wall_time, step), session = text_new(to->arena);
    add_number(&session, SESSION_STATUS, SESSION_START);
    add_bytes(&event, EVENT_SESSION_LOG, session.bytes, session.length);
    add_record(to, &event);
}

void event_add_scalars(Text *to, double wall_time, int64_t step, const EventScalar *scalars, int count) {
    Text event = event_of(to->arena, wall_time, step), summary = text_new(to->arena);
    for (int i = 0; i < count; i++) {
        Text value = text_new(to->arena);
        add_bytes(&value, VALUE_TAG, scalars[i].tag, strlen(scalars[i].tag));
        add_f32(&value, VALUE_SIMPLE, (float)scalars[i].value);
        add_bytes(&summary, SUMMARY_VALUE, value.bytes, value.length);
    }
    add_bytes(&event, EVENT_SUMMARY, summary.bytes, summary.length);
    add_record(to, &event);
}

/* ---- files ------------------------------------------------------------------------------------- */
struct EventFile {
    int fd;
    Arena *arena;
};

static const char *cannot_be_written(Arena *arena, int error) {
    return text_format(arena, "cannot be written: %s", strerror(error));
}

static struct timespec now(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return time;
}

static double seconds_of(struct timespec time) { return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec; }

static bool write_all(EventFile *file, const Text *text) {
    for (size_t done = 0; done < text->length;) {
        ssize_t n = write(file->fd, text->bytes + done, text->length - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        done += (size_t)n;
    }
    return true;
}

/* Readers take the files of a folder in the order of their names: that of time. */
EventFile *event_file_open(Arena *arena, const char *folder, int64_t first_step, const char **problem) {
    char host[65] = "host";
    struct timespec time = now();
    EventFile *file = arena_new_of(arena, EventFile);
    file->arena = arena;
    gethostname(host, sizeof host - 1);
    const char *path = text_format(arena, "%s%sevents.out.tfevents.%010lld.%06ld.%s", folder,
                                   folder[strlen(folder) - 1] == '/' ? "" : "/", (long long)time.tv_sec,
                                   time.tv_nsec / 1000, host);
    file->fd = mkdir(folder, 0777) && errno != EEXIST ? -1 : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    Text begin = text_new(arena);
    event_add_version(&begin, seconds_of(time));
    event_add_start(&begin, seconds_of(time), first_step);
    if (file->fd >= 0 && write_all(file, &begin)) return file;
    *problem = cannot_be_written(arena, errno);
    if (file->fd >= 0) close(file->fd);
    return NULL;
}

bool event_file_write(EventFile *file, int64_t step, const EventScalar *scalars, int count, const char **problem) {
    Arena *scratch = arena_new();
    Text record = text_new(scratch);
    event_add_scalars(&record, seconds_of(now()), step, scalars, count);
    bool good = write_all(file, &record);
    if (!good) *problem = cannot_be_written(file->arena, errno);
    arena_free(scratch);
    return good;
}

bool event_file_close(EventFile *file, const char **problem) {
    bool good = close(file->fd) == 0;
    if (!good) *problem = cannot_be_written(file->arena, errno);
    return good;
}
