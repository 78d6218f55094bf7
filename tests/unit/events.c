/* events: records have the bytes that TensorBoard's own writer gives them (tensorboard 2.20, RecordWriter). */
#include "driver/events.h"
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static void expect(const Text *text, const char *hex) {
    Text found = text_new(text->arena);
    for (size_t i = 0; i < text->length; i++) text_add(&found, "%02x", (unsigned char)text->bytes[i]);
    cr_assert_str_eq(found.bytes, hex);
}

Test(events, version) {
    Arena *arena = arena_new();
    Text text = text_new(arena);
    event_add_version(&text, 1700000000.5);
    expect(&text, "1800000000000000a37f4b220900002040fc54d9411a0d627261696e2e4576656e743a322b353110");
    arena_free(arena);
}

Test(events, start) {
    Arena *arena = arena_new();
    Text text = text_new(arena);
    event_add_start(&text, 1700000000.5, 300);
    expect(&text, "100000000000000095fbfe180900002040fc54d94110ac023a020801b94512a3");
    arena_free(arena);
}

Test(events, scalars) {
    Arena *arena = arena_new();
    Text text = text_new(arena);
    const EventScalar scalars[] = {{"train_loss", 0.1},
                                   {"accuracy", -2.5},
                                   {"gr\xc3\xb6\xc3\x9f"
                                    "e",
                                    INFINITY}};
    event_add_scalars(&text, 1700000001.25, 12345, scalars, 3);
    expect(&text, "420000000000000079f36eaa0900005040fc54d94110b9602a340a110a0a747261696e5f6c6f737315cdcccc3d0a0f0a0861"
                  "6363757261637915000020c00a0e0a076772c3b6c39f65150000807f63dfe62b");
    arena_free(arena);
}
