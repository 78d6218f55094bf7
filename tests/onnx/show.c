/* What is in a file of ONNX, as text, for structure.sh: decoded by the numbers of onnx.proto3 alone, with nothing of sgdc.
 * Parameters show their shape, constants of at most 16 numbers or texts what they hold. A file that does not decode, or an
 * operator that reads what nothing before it has made, is an error. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Bytes {
    const unsigned char *at, *end;
} Bytes;
typedef struct Field {
    int number;
    uint64_t value; /* of a varint, or 4 bytes */
    Bytes bytes;
} Field;

static void fail(const char *what) {
    fprintf(stderr, "FAILED: %s\n", what);
    exit(1);
}

static uint64_t varint(Bytes *from) {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (from->at == from->end) fail("a number ends early");
        value |= (uint64_t)(*from->at & 0x7f) << shift;
        if (!(*from->at++ & 0x80)) return value;
    }
    fail("a number is too long");
    return 0;
}

static bool next_field(Bytes *from, Field *field) {
    if (from->at == from->end) return false;
    uint64_t key = varint(from);
    *field = (Field){.number = (int)(key >> 3)};
    switch (key & 7) {
    case 0: field->value = varint(from); break;
    case 2: {
        uint64_t length = varint(from);
        if (length > (uint64_t)(from->end - from->at)) fail("a field is longer than its message");
        field->bytes = (Bytes){from->at, from->at + length};
        from->at += length;
        break;
    }
    case 5:
        if (from->end - from->at < 4) fail("a float ends early");
        for (int i = 0; i < 4; i++) field->value |= (uint64_t)*from->at++ << 8 * i;
        break;
    default: fail("a field is coded in a way that sgdc does not write");
    }
    return true;
}

static void print(Bytes b) {
    if (b.at != b.end) fwrite(b.at, 1, (size_t)(b.end - b.at), stdout);
}

/* ---- names ------------------------------------------------------------------------------------------- */
static Bytes known[100000];
static int known_count;

static bool is_same(Bytes a, Bytes b) {
    return a.end - a.at == b.end - b.at && (a.at == a.end || memcmp(a.at, b.at, (size_t)(a.end - a.at)) == 0);
}

static bool is_known(Bytes name) {
    for (int i = 0; i < known_count; i++)
        if (is_same(known[i], name)) return true;
    return false;
}

static void learn(Bytes name) {
    if (is_known(name)) fail("a name stands for two tensors");
    known[known_count++] = name;
}

/* ---- messages ---------------------------------------------------------------------------------------- */
static const char *type_name(uint64_t type) {
    static const char *const names[] = {
        [1] = "float", [2] = "uint8", [6] = "int32", [7] = "int64", [8] = "string", [9] = "bool", [11] = "double"};
    if (type >= sizeof names / sizeof *names || !names[type]) fail("a type that sgdc does not write");
    return names[type];
}

static void print_element(uint64_t type, const unsigned char *at) {
    union {
        float f32;
        double f64;
        int32_t i32;
        int64_t i64;
    } value;
    memcpy(&value, at, type == 7 || type == 11 ? 8 : type == 1 || type == 6 ? 4 : 1);
    switch (type) {
    case 1: printf(" %.9g", (double)value.f32); break;
    case 6: printf(" %d", value.i32); break;
    case 7: printf(" %lld", (long long)value.i64); break;
    case 11: printf(" %.17g", value.f64); break;
    default: printf(" %d", *at);
    }
}

static void show_tensor(Bytes from) {
    Bytes name = {0}, raw = {0}, all = from;
    uint64_t type = 0, count = 1, texts = 0, size;
    for (Field f; next_field(&from, &f);) {
        if (f.number == 1) count *= f.value;
        if (f.number == 2) type = f.value;
        if (f.number == 6) texts++;
        if (f.number == 8) name = f.bytes;
        if (f.number == 9) raw = f.bytes;
    }
    learn(name);
    print(name);
    printf(" %s[", type_name(type));
    const char *separator = "";
    for (Field f; next_field(&all, &f);) {
        if (f.number == 1) printf("%s%llu", separator, (unsigned long long)f.value);
        if (f.number == 1) separator = ", ";
        if (f.number == 6) printf("%s'", texts ? "] = " : " ");
        if (f.number == 6) print(f.bytes);
        if (f.number == 6) texts = 0, printf("'");
    }
    size = type == 7 || type == 11 ? 8 : type == 1 || type == 6 ? 4 : 1;
    if (type == 8) {
        printf("\n");
        return;
    }
    printf("]");
    if ((uint64_t)(raw.end - raw.at) != count * size) fail("a tensor is not as long as its shape says");
    bool constant = name.end - name.at > 6 && memcmp(name.at, "const.", 6) == 0;
    if (constant && count <= 16) printf(" =");
    for (uint64_t i = 0; constant && count <= 16 && i < count; i++) print_element(type, raw.at + i * size);
    printf("\n");
}

static void show_value(Bytes from, const char *what) {
    Bytes name = {0}, doc = {0}, type = {0}, shape = {0};
    uint64_t element = 0;
    for (Field f; next_field(&from, &f);) {
        if (f.number == 1) name = f.bytes;
        if (f.number == 2) type = f.bytes;
        if (f.number == 3) doc = f.bytes;
    }
    Field tensor;
    if (!next_field(&type, &tensor) || tensor.number != 1) fail("a value has no type");
    for (Field f; next_field(&tensor.bytes, &f);) {
        if (f.number == 1) element = f.value;
        if (f.number == 2) shape = f.bytes;
    }
    if (!strcmp(what, "input"))
        learn(name);
    else if (!is_known(name))
        fail("an output is made by nothing");
    printf("%s ", what);
    print(name);
    printf(" %s[", type_name(element));
    const char *separator = "";
    for (Field f; next_field(&shape, &f); separator = ", ") {
        Field axis;
        if (f.number != 1 || !next_field(&f.bytes, &axis)) fail("an axis without extent");
        printf("%s", separator);
        if (axis.number == 2)
            print(axis.bytes);
        else
            printf("%llu", (unsigned long long)axis.value);
    }
    printf("]");
    if (doc.at) printf("  # ");
    print(doc);
    printf("\n");
}

static void show_attribute(Bytes from) {
    const char *separator = "";
    for (Field f; next_field(&from, &f);) {
        float value;
        uint32_t bits = (uint32_t)f.value;
        memcpy(&value, &bits, sizeof value);
        if (f.number == 20) continue;
        if (f.number == 1) printf(" ");
        printf("%s", f.number == 1 ? "" : separator);
        if (f.number == 1 || f.number == 4 || f.number == 9) print(f.bytes);
        if (f.number == 2 || f.number == 7) printf("%g", (double)value);
        if (f.number == 3 || f.number == 8) printf("%lld", (long long)f.value);
        separator = f.number == 1 ? "=" : ",";
    }
}

static void show_node(Bytes from) {
    Bytes all = from, output = {0}, op = {0}, domain = {0};
    for (Field f; next_field(&from, &f);) {
        if (f.number == 2) output = f.bytes;
        if (f.number == 4) op = f.bytes;
        if (f.number == 7) domain = f.bytes;
    }
    print(output);
    printf(" = ");
    print(domain);
    printf("%s", domain.at ? "." : "");
    print(op);
    const char *separator = "(";
    for (Field f; next_field(&all, &f);) {
        if (f.number == 1 && !is_known(f.bytes)) fail("an operator reads what nothing before it has made");
        if (f.number == 5 && separator[0]) printf(")");
        if (f.number == 5) separator = "";
        if (f.number == 5) show_attribute(f.bytes);
        if (f.number == 1) printf("%s", separator);
        if (f.number == 1) print(f.bytes), separator = ", ";
    }
    printf("%s\n", separator[0] ? ")" : "");
    learn(output);
}

static void show_graph(Bytes graph) {
    static const struct {
        int number;
        const char *what;
    } order[] = {{11, "input"}, {5, "tensor"}, {1, "node"}, {12, "output"}};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        Bytes from = graph;
        for (Field f; next_field(&from, &f);) {
            if (f.number != order[i].number) continue;
            if (f.number == 1) show_node(f.bytes);
            if (f.number == 5) show_tensor(f.bytes);
            if (f.number > 10) show_value(f.bytes, order[i].what);
        }
    }
}

static Bytes whole(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END)) fail("the file cannot be read");
    long length = ftell(file);
    unsigned char *bytes = malloc((size_t)length + 1);
    rewind(file);
    if (!bytes || fread(bytes, 1, (size_t)length, file) != (size_t)length) fail("the file cannot be read");
    fclose(file);
    return (Bytes){bytes, bytes + length};
}

int main(int argc, char **argv) {
    if (argc != 2) fail("one file is shown");
    Bytes model = whole(argv[1]);
    for (Field f; next_field(&model, &f);) {
        if (f.number == 1) printf("ir %llu\n", (unsigned long long)f.value);
        if (f.number == 7) show_graph(f.bytes);
        if (f.number != 8) continue;
        printf("operators");
        for (Field of; next_field(&f.bytes, &of);) {
            if (of.number == 2) printf(" %llu", (unsigned long long)of.value);
            if (of.number == 1 && of.bytes.at != of.bytes.end) printf(" ");
            if (of.number == 1) print(of.bytes);
        }
        printf("\n");
    }
    return 0;
}
