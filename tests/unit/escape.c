/* What users write, in the language of where it goes: a row per text, a column per language. */
#include "support/support.h"

#include <criterion/criterion.h>
#include <string.h>

typedef struct Case {
    const char *text, *shown, *json, *csv, *gnuplot, *xml, *target, *comment;
} Case;

static const Case cases[] = {
    {"plain", "plain", "\"plain\"", "plain", "'plain'", "plain", "plain", "plain"},
    {"\xc3\xa9 \xe2\x88\x9e", "\xc3\xa9 \xe2\x88\x9e", "\"\xc3\xa9 \xe2\x88\x9e\"", "\xc3\xa9 \xe2\x88\x9e",
     "'\xc3\xa9 \xe2\x88\x9e'", "\xc3\xa9 \xe2\x88\x9e", "\xc3\xa9\\ \xe2\x88\x9e", "\xc3\xa9 \xe2\x88\x9e"},
    {"a\"b\\c", "a\"b\\c", "\"a\\\"b\\\\c\"", "\"a\"\"b\\c\"", "'a\"b\\c'", "a&quot;b\\c", "a\"b\\c", "a\"b\\c"},
    {"it's, <&>", "it's, <&>", "\"it's, <&>\"", "\"it's, <&>\"", "'it''s, <&>'", "it's, &lt;&amp;&gt;", "it's,\\ <&>",
     "it's, <&>"},
    {"\x1b]0;x\a\x7f", "?]0;x?\?", "\"\\u001b]0;x\\u0007\\u007f\"", "?]0;x?\?", "'?]0;x?\?'", "?]0;x?\?", NULL,
     "?]0;x? ?"},
    {"a\nb", "a?b", "\"a\\nb\"", "a?b", "'a?b'", "a?b", NULL, "a?b"},
    {"\xff\xc3(\x80", "?\?(?", "\"\\ufffd\\ufffd(\\ufffd\"", "?\?(?", "'?\?(?'", "?\?(?", "\xff\xc3(\x80", "? ?(?"},
    {"\xc2\x9b"
     "31m\xe2\x80\xae"
     "x",
     "?31m?x", "\"\\u009b31m\\u202ex\"", "?31m?x", "'?31m?x'", "?31m?x",
     "\xc2\x9b"
     "31m\xe2\x80\xae"
     "x",
     "?31m?x"},
    {"\xe0\x80\xaf\xed\xa0\x80\xf4\x90\x80\x80", "?\?\?\?\?\?\?\?\?\?",
     "\"\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\"", "?\?\?\?\?\?\?\?\?\?",
     "'?\?\?\?\?\?\?\?\?\?'", "?\?\?\?\?\?\?\?\?\?", "\xe0\x80\xaf\xed\xa0\x80\xf4\x90\x80\x80", "? ? ? ? ? ? ? ? ? ?"},
    {"$(x) #%:", "$(x) #%:", "\"$(x) #%:\"", "$(x) #%:", "'$(x) #%:'", "$(x) #%:", "$$(x)\\ \\#\\%\\:", "$(x) #%:"},
    {"a\\ b", "a\\ b", "\"a\\\\ b\"", "a\\ b", "'a\\ b'", "a\\ b", "a\\\\\\ b", "a\\ b"},
    {"*/ /* **/ /*/", "*/ /* **/ /*/", "\"*/ /* **/ /*/\"", "*/ /* **/ /*/", "'*/ /* **/ /*/'", "*/ /* **/ /*/",
     "*/\\ /*\\ **/\\ /*/", "* / / * ** / / * /"},
    {"?\?/", "?\?/", "\"?\?/\"", "?\?/", "'?\?/'", "?\?/", "?\?/", "? ?/"},
    {"?\?\?/ end\\", "?\?\?/ end\\", "\"?\?\?/ end\\\\\"", "?\?\?/ end\\", "'?\?\?/ end\\'", "?\?\?/ end\\",
     "?\?\?/\\ end\\", "? ? ?/ end\\ "},
};

Test(escape, table) {
    Arena *arena = arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Case *c = &cases[i];
        Text json = text_new(arena), csv = text_new(arena), gnuplot = text_new(arena), xml = text_new(arena);
        Text target = text_new(arena), comment = text_new(arena);
        text_add_json(&json, c->text);
        text_add_csv(&csv, c->text);
        text_add_gnuplot(&gnuplot, c->text);
        text_add_xml(&xml, c->text);
        text_add_c_comment(&comment, c->text);
        cr_expect_str_eq(text_shown(arena, c->text), c->shown, "%zu", i);
        cr_expect_str_eq(json.bytes, c->json, "%zu: %s", i, json.bytes);
        cr_expect_str_eq(csv.bytes, c->csv, "%zu: %s", i, csv.bytes);
        cr_expect_str_eq(gnuplot.bytes, c->gnuplot, "%zu: %s", i, gnuplot.bytes);
        cr_expect_str_eq(xml.bytes, c->xml, "%zu: %s", i, xml.bytes);
        cr_expect_str_eq(comment.bytes, c->comment, "%zu: %s", i, comment.bytes);
        bool made = text_add_make(&target, c->text, true);
        cr_expect_eq(made, c->target != NULL, "%zu", i);
        if (made) cr_expect_str_eq(target.bytes, c->target, "%zu: %s", i, target.bytes);
    }
    cr_expect_str_eq(text_shown_lines(arena, "a\x1b\n\nb\r\n", 7), "a?\n\nb?\n");
    arena_free(arena);
}
