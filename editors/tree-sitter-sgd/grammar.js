// The grammar of .sgd for tree-sitter: what editors highlight, fold and select by. sgdc has its own parser
// (src/frontend/parser.y), which this one follows rule by rule; tests/editors/run.sh holds that it parses every program of
// the project, and that both know the same words.
//
// A newline ends a statement where one can end and the next line does not go on: the parser knows the former, since it
// asks for a newline only there, and src/scanner.c looks for the latter.

const PRECEDENCE = {
  choice: 0,
  or: 1,
  and: 2,
  not: 3,
  comparison: 4,
  range: 5,
  sum: 6,
  product: 7,
  sign: 8,
  power: 9,
  postfix: 10,
};

const WORDS = [
  "model", "layer", "def", "loss", "metric", "optimizer", "data", "train", "update", "include", "like", "param", "state",
  "return", "repeat", "scan", "if", "then", "else", "for", "in", "and", "or", "not", "every", "each",
];

const list = (rule) => seq(rule, repeat(seq(",", rule)));

module.exports = grammar({
  name: "sgd",

  externals: ($) => [$._newline],
  extras: ($) => [/[ \t\r\n\f\v\uFEFF]/, $.doc_comment, $.comment],
  word: ($) => $.identifier,
  supertypes: ($) => [$._statement, $._expression],

  rules: {
    source_file: ($) => optional(choice($._statements, repeat1($._separator))),

    _statements: ($) =>
      seq(repeat($._separator), $._statement, repeat(seq(repeat1($._separator), $._statement)), repeat($._separator)),
    _separator: ($) => choice(";", $._newline),
    block: ($) => seq("{", optional(choice($._statements, repeat1($._separator))), "}"),

    // ---- statements
    _statement: ($) =>
      choice(
        $.definition,
        $.data_block,
        $.train_block,
        $.update_block,
        $.include,
        $.parameter,
        $.state,
        $.field,
        $.setting,
        $.elements,
        $.named_setting,
        $.tuple,
        $.repeat,
        $.return,
      ),

    definition: ($) =>
      seq(
        field("kind", choice("model", "layer", "def", "loss", "metric", "optimizer")),
        field("name", $.identifier),
        $.arguments,
        optional(seq("->", field("result", choice($.type, $.results)))),
        choice($.block, seq("=", field("value", $._expression))),
      ),
    arguments: ($) => seq("(", optional(list($.argument)), ")"),
    results: ($) => seq("(", list($.argument), ")"),
    argument: ($) =>
      seq(
        field("name", $.identifier),
        optional(seq(":", field("type", $.type))),
        optional(seq("=", field("default", $._expression))),
      ),

    data_block: ($) =>
      seq("data", field("name", $.identifier), optional($.like), optional(seq("=", field("source", $._expression))), optional($.block)),
    train_block: ($) => seq("train", field("name", $.identifier), optional($.like), $.block),
    update_block: ($) => seq("update", field("name", $.identifier), $.block),
    like: ($) => seq("like", field("name", $.identifier)),
    include: ($) => seq("include", field("path", $.string)),

    parameter: ($) => seq("param", field("name", $.identifier), ":", field("type", $.type), optional($._initial)),
    state: ($) =>
      seq("state", field("name", $.identifier), optional(seq(":", field("type", $.type))), "=", field("value", $._expression)),
    field: ($) => seq(field("name", $.identifier), ":", field("type", $.type), optional($._initial)),
    _initial: ($) => choice(seq("=", field("value", $._expression)), seq("~", field("draw", $._expression))),

    _key: ($) => choice($.identifier, alias(choice("data", "optimizer", "param"), $.identifier)),
    setting: ($) => seq(field("name", $._key), "=", field("value", $._expression)),
    elements: ($) => seq(field("name", $._key), "[", $.binders, "]", "=", field("value", $._expression)),
    named_setting: ($) => seq(field("kind", $.identifier), field("name", $.identifier), "=", field("value", $._expression)),
    tuple: ($) => seq($.identifier, repeat1(seq(",", $.identifier)), "=", field("value", $._expression)),

    repeat: ($) =>
      seq(
        "repeat",
        choice(
          field("count", choice($.number, $.identifier, $.parenthesized)),
          seq(field("name", $.identifier), "in", field("values", $._expression)),
        ),
        $.block,
      ),
    return: ($) => seq("return", list($._expression)),

    // ---- types
    type: ($) => seq(field("name", $.identifier), optional(seq($.sizes, optional($.sizes)))),
    sizes: ($) => seq("[", list(choice($._expression, $.rest)), "]"),
    rest: ($) => seq("..", $.identifier),

    // ---- indices that are bound
    binders: ($) => list($.binder),
    binder: ($) => choice($._path, seq(field("name", $.identifier), "in", field("range", $._expression))),
    _path: ($) => seq($.identifier, repeat(seq(".", choice($._word, $.any)))),
    any: (_) => "*", // of a path: every part of that level
    _word: ($) => choice($.identifier, alias(choice(...WORDS), $.identifier)),

    // ---- expressions
    _expression: ($) =>
      choice(
        $.binary,
        $.unary,
        $.choice,
        $.scan,
        $.call,
        $.index,
        $.member,
        $.identifier,
        alias(choice("param", "train"), $.identifier),
        $.number,
        $.quantity,
        $.string,
        $.parenthesized,
        $.array,
        $.comprehension,
      ),

    binary: ($) =>
      choice(
        ...[
          ["or", PRECEDENCE.or],
          ["and", PRECEDENCE.and],
          ["==", PRECEDENCE.comparison],
          ["!=", PRECEDENCE.comparison],
          ["<", PRECEDENCE.comparison],
          ["<=", PRECEDENCE.comparison],
          [">", PRECEDENCE.comparison],
          [">=", PRECEDENCE.comparison],
          ["in", PRECEDENCE.comparison],
          ["..", PRECEDENCE.range],
          ["+", PRECEDENCE.sum],
          ["-", PRECEDENCE.sum],
          ["*", PRECEDENCE.product],
          ["/", PRECEDENCE.product],
          ["//", PRECEDENCE.product],
          ["%", PRECEDENCE.product],
          ["@", PRECEDENCE.product],
        ].map(([operator, precedence]) =>
          prec.left(precedence, seq(field("left", $._expression), field("operator", operator), field("right", $._expression))),
        ),
        prec.right(
          PRECEDENCE.power,
          seq(field("left", $._expression), field("operator", "^"), field("right", $._expression)),
        ),
      ),
    unary: ($) =>
      choice(
        prec(PRECEDENCE.not, seq(field("operator", "not"), field("operand", $._expression))),
        prec(PRECEDENCE.sign, seq(field("operator", choice("-", "every", "each")), field("operand", $._expression))),
      ),
    choice: ($) =>
      prec.right(
        PRECEDENCE.choice,
        seq(
          "if",
          field("condition", $._expression),
          "then",
          field("then", $._expression),
          "else",
          field("else", $._expression),
        ),
      ),
    // As many arrays as names; after them further names, each `in` its array.
    scan: ($) => seq("scan", list(field("name", $.identifier)), "in", list(field("values", $._expression)), $.block),

    call: ($) =>
      prec(
        PRECEDENCE.postfix,
        seq(field("function", $._expression), "(", optional(choice(list($._passed), seq($._expression, $._for))), ")"),
      ),
    _passed: ($) => choice($._expression, $.named_argument),
    named_argument: ($) =>
      seq(
        field("name", $.identifier),
        optional(seq(":", field("type", $.type))),
        "=",
        field("value", $._expression),
      ),
    index: ($) => prec(PRECEDENCE.postfix, seq(field("base", $._expression), "[", list($._item), "]")),
    _item: ($) => choice($._expression, $.slice),
    slice: ($) => choice("..", seq("..", $._expression), seq($._expression, "..")),
    member: ($) => prec(PRECEDENCE.postfix, seq(field("base", $._expression), ".", field("name", choice($._word, $.any)))),

    parenthesized: ($) => seq("(", $._expression, ")"),
    array: ($) => seq("[", list($._expression), "]"),
    comprehension: ($) => seq("[", $._expression, $._for, "]"),
    _for: ($) => seq("for", $.binders),
    quantity: ($) => seq($.number, field("unit", $.identifier)),

    // ---- words
    identifier: (_) => /[A-Za-z_][A-Za-z0-9_]*/,
    number: (_) => /[0-9](_?[0-9])*(\.[0-9](_?[0-9])*)?([eE][+-]?[0-9]+)?/,
    string: ($) => seq('"', repeat(choice($.escape, token.immediate(prec(2, /[^"\\\n]+/)))), token.immediate('"')),
    escape: (_) => token.immediate(/\\["\\tn]/),
    doc_comment: (_) => token(prec(1, /##[^#\n][^\n]*/)),
    comment: (_) => token(/#[^\n]*/),
  },
});
