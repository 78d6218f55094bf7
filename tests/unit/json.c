/* JSON as it is written (support/json.c). */
#include "support/support.h"
#include <criterion/criterion.h>
#include <math.h>

Test(json, values_and_layout) {
    Arena *arena = arena_new();
    Text text = text_new(arena);
    Json json = json_new(&text);
    json_object(&json, NULL);
    json_text(&json, "text", "a \"b\"\n");
    json_text(&json, "none", NULL);
    json_integer(&json, "integer", INT64_MIN);
    json_number(&json, "number", 0.1);
    json_number(&json, "infinite", INFINITY);
    json_number(&json, "no number", NAN);
    json_array(&json, "empty");
    json_close(&json);
    json_array(&json, "lines");
    json_flat_object(&json, NULL);
    json_bool(&json, "on", true);
    json_array(&json, "one line"); /* what is in a flat one is flat */
    json_integer(&json, NULL, 1);
    json_integer(&json, NULL, 2);
    json_close(&json);
    json_close(&json);
    json_null(&json, NULL);
    json_close(&json);
    json_close(&json);
    cr_assert_str_eq(text.bytes, "{\n"
                                 "  \"text\": \"a \\\"b\\\"\\n\",\n"
                                 "  \"none\": null,\n"
                                 "  \"integer\": -9223372036854775808,\n"
                                 "  \"number\": 0.1,\n"
                                 "  \"infinite\": null,\n"
                                 "  \"no number\": null,\n"
                                 "  \"empty\": [],\n"
                                 "  \"lines\": [\n"
                                 "    {\"on\": true, \"one line\": [1, 2]},\n"
                                 "    null\n"
                                 "  ]\n"
                                 "}\n");
    arena_free(arena);
}
