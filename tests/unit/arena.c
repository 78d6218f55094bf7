/* The arena: zeroed, aligned pieces of any size; growing vectors. */
#include "support/support.h"

#include <criterion/criterion.h>

Test(arena, pieces_are_zeroed_aligned_and_apart) {
    Arena *arena = arena_new();
    unsigned char *pieces[200];
    for (size_t i = 0; i < 200; i++) {
        pieces[i] = arena_alloc(arena, i * 37);
        cr_assert_eq((uintptr_t)pieces[i] % 16, 0);
        for (size_t k = 0; k < i * 37; k++) {
            cr_assert_eq(pieces[i][k], 0);
            pieces[i][k] = (unsigned char)i;
        }
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t k = 0; k < i * 37; k++) cr_assert_eq(pieces[i][k], i);
    cr_assert_eq(arena_bytes(arena), 37 * 199 * 200 / 2);
    arena_free(arena);
}

Test(arena, a_large_piece_does_not_end_the_current_block) {
    Arena *arena = arena_new();
    char *before = arena_alloc(arena, 16);
    char *large = arena_alloc(arena, 64 << 20);
    char *after = arena_alloc(arena, 16);
    cr_assert_eq(after, before + 16);
    large[(64 << 20) - 1] = 1;
    arena_free(arena);
}

Test(arena, copies) {
    Arena *arena = arena_new();
    char *copy = arena_copy(arena, "abc", 4);
    cr_assert_str_eq(copy, "abc");
    cr_assert_not_null(arena_copy(arena, NULL, 0));
    arena_free(arena);
    arena_free(NULL);
}

Test(arena, vectors_keep_their_items_when_they_grow) {
    Arena *arena = arena_new();
    Vector(int) numbers = {0};
    for (int i = 0; i < 100000; i++) vector_push(arena, &numbers, 3 * i);
    cr_assert_eq(numbers.count, 100000);
    for (int i = 0; i < 100000; i++) cr_assert_eq(numbers.items[i], 3 * i);
    arena_free(arena);
}
