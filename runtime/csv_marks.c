/* csv_marks: masks of 64 bytes, and the places of their bits. */
#include "csv_marks.h"
#include "vector_clones.h"
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#include <arm_neon.h>
#endif

/* Bit i: byte i of the 8 is one of the four. */
static uint64_t stops_of_word(uint64_t word, const char stops[4]) {
    const uint64_t ones = 0x0101010101010101u, low = 0x7F7F7F7F7F7F7F7Fu;
    uint64_t found = 0;
    for (int s = 0; s < 4; s++) {
        uint64_t other = word ^ (ones * (unsigned char)stops[s]); /* 0 where it is this one */
        found |= ~(((other & low) + low) | other | low);          /* bit 7 there */
    }
    return ((found >> 7) * 0x0102040810204080u) >> 56;
}

uint64_t sgdrt_csv_stops_by_words(const char *bytes, const char stops[4]) {
    uint64_t mask = 0;
    for (int i = 0; i < 8; i++) {
        uint64_t word;
        memcpy(&word, bytes + 8 * i, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        mask |= stops_of_word(word, stops) << (8 * i);
    }
    return mask;
}

#if defined(__SSE2__)
/* For 16 bytes. */
static inline uint64_t stops_of_part(const char *bytes, const char stops[4]) {
    __m128i part = _mm_loadu_si128((const __m128i *)(const void *)bytes);
    __m128i ends = _mm_or_si128(_mm_cmpeq_epi8(part, _mm_set1_epi8(stops[0])),
                                _mm_cmpeq_epi8(part, _mm_set1_epi8(stops[1])));
    __m128i lines = _mm_or_si128(_mm_cmpeq_epi8(part, _mm_set1_epi8(stops[2])),
                                 _mm_cmpeq_epi8(part, _mm_set1_epi8(stops[3])));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(ends, lines));
}

static inline uint64_t stops_of(const char *bytes, const char stops[4]) {
    return stops_of_part(bytes, stops) | stops_of_part(bytes + 16, stops) << 16 |
           stops_of_part(bytes + 32, stops) << 32 | stops_of_part(bytes + 48, stops) << 48;
}
#elif defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/* Each byte keeps the bit of its place, and three additions of neighbours gather them. */
static inline uint64_t stops_of(const char *bytes, const char stops[4]) {
    static const uint8_t place[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t bits = vld1q_u8(place), found[4];
    for (int i = 0; i < 4; i++) {
        uint8x16_t part = vld1q_u8((const uint8_t *)bytes + 16 * i);
        uint8x16_t one = vorrq_u8(vceqq_u8(part, vdupq_n_u8((uint8_t)stops[0])),
                                  vceqq_u8(part, vdupq_n_u8((uint8_t)stops[1])));
        uint8x16_t two = vorrq_u8(vceqq_u8(part, vdupq_n_u8((uint8_t)stops[2])),
                                  vceqq_u8(part, vdupq_n_u8((uint8_t)stops[3])));
        found[i] = vandq_u8(vorrq_u8(one, two), bits);
    }
    uint8x16_t sum = vpaddq_u8(vpaddq_u8(found[0], found[1]), vpaddq_u8(found[2], found[3]));
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(sum, sum)), 0);
}
#else
static inline uint64_t stops_of(const char *bytes, const char stops[4]) {
    return sgdrt_csv_stops_by_words(bytes, stops);
}
#endif

uint64_t sgdrt_csv_stops(const char *bytes, const char stops[4]) { return stops_of(bytes, stops); }

/* The place of the lowest bit, which leaves the mask. */
static inline void take_lowest(uint16_t *to, size_t i, uint64_t *mask) {
    *to = (uint16_t)(i + (size_t)__builtin_ctzll(*mask | 1ull << 63));
    *mask &= *mask - 1;
}

/* Eight places are written at a time, whether there are as many or not: how many there are cannot be predicted. */
VECTOR_CLONES(mark, (CsvMarks * marks, const char *from, size_t length, const char *told),
              (marks, from, length, told)) {
    const char stops[4] = {told[0], told[1], told[2], told[3]};
    uint16_t *next = marks->at;
    for (size_t i = 0; i < length; i += CSV_MARKED_AT_ONCE) {
        uint64_t mask = stops_of(from + i, stops);
        uint16_t *to = next;
        next += __builtin_popcountll(mask);
        for (; mask; to += 8) {
            take_lowest(to, i, &mask);
            take_lowest(to + 1, i, &mask);
            take_lowest(to + 2, i, &mask);
            take_lowest(to + 3, i, &mask);
            take_lowest(to + 4, i, &mask);
            take_lowest(to + 5, i, &mask);
            take_lowest(to + 6, i, &mask);
            take_lowest(to + 7, i, &mask);
        }
    }
    marks->count = (uint32_t)(next - marks->at);
}

void sgdrt_csv_mark(CsvMarks *marks, const char *from, const char *end, char delimiter) {
    const char stops[4] = {delimiter, delimiter == ' ' ? '\t' : delimiter, '\n', '\r'};
    size_t length = (size_t)(end - from);
    bool last = length < CSV_MARKED_BYTES;
    marks->from = from;
    marks->to = last ? end : from + CSV_MARKED_BYTES;
    marks->next = 0;
    mark(marks, from, (size_t)(marks->to - from), stops);
    if (last) marks->at[marks->count++] = (uint16_t)length;
}

const char *sgdrt_csv_next_mark(CsvMarks *marks, const char *p, const char *end, char delimiter) {
    for (;;) {
        while (marks->next < marks->count) {
            const char *at = marks->from + marks->at[marks->next++];
            if (at >= p) return at;
        }
        sgdrt_csv_mark(marks, p < marks->to ? marks->to : p, end, delimiter);
    }
}
