/* Trains a network on the device it runs on, in static memory only: no heap, no file, no operating system.
 *
 * The memory of a living model is one array whose size the header says. Before training it is painted, and so is a strip
 * behind it: after training the strip shows that nothing else was written, and the paint that is left how much was used.
 * What the device has learned is printed as the hash of its parameters' bits: it is the same on every machine.
 */
#include "board.h"
#include "gesture.h"
#include <string.h>

enum { ROWS = 96, STEPS = 300, STRIP = 256, PAINT = 0xa5 };

static struct {
    _Alignas(64) unsigned char model[GESTURE_TRAIN_BYTES];
    unsigned char strip[STRIP];
} memory;
static _Alignas(64) unsigned char workspace[GESTURE_PREDICT_BYTES];
static float x[ROWS][4];
static int32_t y[ROWS];

/* ---- lines without stdio, which would bring a heap ---- */
static char line[96];
static void add(const char *text) { strncat(line, text, sizeof line - 1 - strlen(line)); }
static void add_number(uint64_t n, unsigned base) {
    char digits[24], *at = digits + sizeof digits - 1;
    *at = 0;
    do *--at = "0123456789abcdef"[n % base];
    while ((n /= base) > 0);
    add(at);
}
static void say(void) {
    add("\n");
    board_say(line);
    line[0] = 0;
}

/* ---- windows of the sensor, made up: three clouds of whole sixteenths, which a float holds exactly ---- */
static void make_rows(void) {
    static const int centre[3][4] = {{8, -4, 0, 12}, {-8, 6, 10, -2}, {0, 12, -10, 4}};
    uint32_t random = 1;
    for (int r = 0; r < ROWS; r++) {
        y[r] = r % 3;
        for (int i = 0; i < 4; i++) {
            random = random * 1664525u + 1013904223u;
            x[r][i] = (float)(centre[y[r]][i] + (int)(random >> 28) - 8) / 16;
        }
    }
}

static gesture_data rows_from(int first, int count) { return gesture_rows(count, x[first], &y[first]); }

/* ---- what was learned ---- */
static int right_answers(gesture *model) {
    int right = 0;
    for (int r = 0; r < ROWS; r++) {
        float probability[GESTURE_OUTPUTS];
        gesture_data row = rows_from(r, 1);
        int best = 0;
        if (gesture_predict(model, &row, probability, workspace)) return -1;
        for (int c = 1; c < 3; c++)
            if (probability[c] > probability[best]) best = c;
        right += best == y[r];
    }
    return right;
}

static uint32_t hash_of(gesture *model) {
    uint32_t hash = 2166136261u;
    const char *name;
    for (int p = 0; (name = gesture_parameter_name(p)) != NULL; p++) {
        const int64_t *shape;
        int rank;
        size_t bytes = sizeof(float);
        const unsigned char *at = (const unsigned char *)gesture_parameter(model, name, &shape, &rank);
        for (int a = 0; a < rank; a++) bytes *= (size_t)shape[a];
        for (size_t i = 0; i < bytes; i++) hash = (hash ^ at[i]) * 16777619u;
    }
    return hash;
}

static size_t untouched(const unsigned char *end, size_t most) {
    size_t count = 0;
    while (count < most && end[-1 - (ptrdiff_t)count] == PAINT) count++;
    return count;
}

int main(void) {
    gesture *model;
    make_rows();
    memset(&memory, PAINT, sizeof memory);
    int status = gesture_init(&model, memory.model, sizeof memory.model, NULL);
    for (int step = 0; step < STEPS && !status; step++) {
        gesture_data batch = rows_from(step * GESTURE_BATCH % ROWS, GESTURE_BATCH);
        status = gesture_step(model, &batch, NULL);
    }
    if (status) {
        add(gesture_strerror(status));
        say();
        return 1;
    }
    add("right: ");
    add_number((uint64_t)right_answers(model), 10);
    add(" of ");
    add_number(ROWS, 10);
    say();
    add("parameters: ");
    add_number(hash_of(model), 16);
    say();
    size_t behind = untouched(memory.strip + STRIP, STRIP),
           unused = untouched(memory.model + sizeof memory.model, sizeof memory.model);
    add("model: ");
    add_number(sizeof memory.model, 10);
    add(" bytes, unused at its end ");
    add_number(unused, 10);
    add(behind == STRIP ? ", nothing written behind it" : ", WRITTEN BEHIND IT");
    say();
    if (board_stack_left()) {
        add("stack left: ");
        add_number(board_stack_left(), 10);
        say();
    }
    return behind == STRIP ? 0 : 1;
}
