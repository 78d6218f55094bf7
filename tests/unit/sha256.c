/* sha256: the examples of FIPS 180-4, and texts of every length around a block's end, given whole and in pieces. */
#include "support/support.h"
#include <criterion/criterion.h>
#include <string.h>

static const char *hash_of(Arena *arena, const char *text, size_t length, size_t piece) {
    Sha256 hash = sha256_new();
    for (size_t at = 0; at < length; at += piece)
        sha256_add(&hash, text + at, length - at < piece ? length - at : piece);
    return sha256_text(arena, hash);
}

Test(sha256, examples) {
    static const struct {
        const char *text, *hash;
    } examples[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    Arena *arena = arena_new();
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
        cr_expect_str_eq(hash_of(arena, examples[i].text, strlen(examples[i].text), 1 << 20), examples[i].hash);
    char *million = arena_alloc(arena, 1000000);
    memset(million, 'a', 1000000);
    cr_expect_str_eq(hash_of(arena, million, 1000000, 1 << 20),
                     "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    arena_free(arena);
}

Test(sha256, pieces) {
    char text[200];
    Arena *arena = arena_new();
    for (size_t i = 0; i < sizeof text; i++) text[i] = (char)(i * 7);
    for (size_t length = 0; length <= sizeof text; length++)
        for (size_t piece = 1; piece < 130; piece += 21)
            cr_expect_str_eq(hash_of(arena, text, length, piece), hash_of(arena, text, length, 1 << 20), "%zu in %zu",
                             length, piece);
    arena_free(arena);
}
