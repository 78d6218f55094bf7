/* parser: from tokens to a tree (LALR(1), no conflicts).
 *
 * One statement rule serves all blocks; which statements a block allows is decided in lowering.
 * SEP is `;` or a newline that ends a statement (separator.c). A statement with an error is skipped
 * to its end and, if a block follows, the block is still read: one run shows independent mistakes.
 * The words of the messages are in syntax.c. Actions only build nodes.
 *
 * Invariants: the state stack is bounded by YYMAXDEPTH; expr_finish bounds the height of a tree.
 */
%require "3.7"
%expect 0
%define api.pure full
%define api.value.type {union SyntaxValue}
%define api.location.type {Span}
%define parse.error custom
%define parse.lac full
%locations
%param {Parse *parse}

%code requires {
#include "frontend/parse.h"
}

%code {
#include <string.h>

#define YYMAXDEPTH 20000
#define YYLLOC_DEFAULT(current, rhs, n)                                                          \
    ((current) = (n) ? span_join(YYRHSLOC(rhs, 1), YYRHSLOC(rhs, n)) : end_of(YYRHSLOC(rhs, 0)))

#define PUSH(list, item) vector_push(parse->arena, &(list), (item))

static Span end_of(Span span)
{
    return (Span){span.end, span.end};
}

static int yylex(union SyntaxValue *value, Span *span, Parse *parse)
{
    return separator_next(value, span, parse);
}

/* Only for what is not a syntax error: the stack is exhausted. */
static void yyerror(Span *span, Parse *parse, const char *message)
{
    (void)message;
    syntax_report_depth(parse, *span);
}

static Expr *make_unary(Parse *parse, Span span, Operator op, Expr *operand)
{
    Expr *expr = expr_new(parse, EXPR_UNARY, span);
    expr->unary.op = op;
    expr->unary.operand = operand;
    return expr_finish(parse, expr);
}

static Expr *make_binary(Parse *parse, Span span, Expr *left, Operator op, Span op_span, Expr *right)
{
    Expr *expr = expr_new(parse, EXPR_BINARY, span);
    expr->binary.op = op;
    expr->binary.left = left;
    expr->binary.right = right;
    expr->binary.op_span = op_span;
    return expr_finish(parse, expr);
}

static Expr *make_inner(Parse *parse, Span span, ExprKind kind, Expr *inner);

/* `each` binds like a sign, and each of one number is nothing: each 1..4 is each (1..4). */
static Expr *make_range(Parse *parse, Span span, Expr *left, Span op_span, Expr *right)
{
    bool is_each = left->kind == EXPR_EACH && left->inner->kind == EXPR_NUMBER;
    if (!is_each) return make_binary(parse, span, left, OPERATOR_RANGE, op_span, right);
    Span range = {left->inner->span.begin, span.end};
    return make_inner(parse, span, EXPR_EACH,
                      make_binary(parse, range, left->inner, OPERATOR_RANGE, op_span, right));
}

static Expr *make_inner(Parse *parse, Span span, ExprKind kind, Expr *inner)
{
    Expr *expr = expr_new(parse, kind, span);
    expr->inner = inner;
    return expr_finish(parse, expr);
}

static Expr *make_name(Parse *parse, Word word)
{
    Expr *expr = expr_new(parse, EXPR_NAME, word.span);
    expr->name = word;
    return expr_finish(parse, expr);
}

static Expr *make_number(Parse *parse, Span span, Number number)
{
    Expr *expr = expr_new(parse, EXPR_NUMBER, span);
    expr->number.value = number.value;
    expr->number.is_integer = number.is_integer;
    expr->number.text = number.text;
    return expr_finish(parse, expr);
}

/* net.*.w */
static Word any_parts(Parse *parse, Span span) { return (Word){name_from(parse->names, "*"), span}; }

static Expr *make_member(Parse *parse, Span span, Expr *base, Word member)
{
    Expr *expr = expr_new(parse, EXPR_MEMBER, span);
    expr->member.base = base;
    expr->member.member = member;
    return expr_finish(parse, expr);
}

static Stmt *make_bind(Parse *parse, StmtKind kind, Span span, Word name, TypeExpr *type, Expr *value,
                       bool is_draw)
{
    Stmt *stmt = stmt_new(parse, kind, span);
    stmt->bind.name = name;
    stmt->bind.type = type;
    stmt->bind.value = value;
    stmt->bind.is_draw = is_draw;
    return stmt;
}

static Stmt *make_repeat(Parse *parse, Span span, Word name, Expr *count, StmtList body)
{
    Stmt *stmt = stmt_new(parse, STMT_REPEAT, span);
    stmt->repeat.name = name;
    stmt->repeat.count = count;
    stmt->repeat.body = body;
    return stmt;
}

/* `scan a, b in x, y, c in z`: as many arrays as there are names first, then each with its name. */
static Expr *make_scan(Parse *parse, Span span, BinderList names, ExprList arrays, StmtList body)
{
    Expr *scan = expr_new(parse, EXPR_SCAN, span);
    scan->scan.together = names.count;
    scan->scan.body = body;
    if (arrays.count < names.count) syntax_report_scan(parse, span_join(names.items[0].span, arrays.items[0]->span));
    for (int i = 0; i < arrays.count; i++) {
        Expr *array = arrays.items[i];
        bool named = array->kind == EXPR_BINARY && array->binary.op == OPERATOR_IN &&
                     array->binary.left->kind == EXPR_NAME;
        if (i < names.count) {
            names.items[i].range = array;
            names.items[i].span = span_join(names.items[i].span, array->span);
        } else if (named) {
            PUSH(names, ((Binder){.kind = EXPR_NAME, .name = array->binary.left->name, .range = array->binary.right,
                                  .span = array->span}));
        } else if (array->kind != EXPR_ERROR) {
            syntax_report_scan(parse, array->span);
        }
    }
    for (int i = arrays.count; i < names.count; i++) names.items[i].range = arrays.items[0]; /* reported */
    scan->scan.binders = names;
    return expr_finish(parse, scan);
}

/* Only of an array in a file a call says of which type it is. */
static void refuse_typed_arguments(Parse *parse, const Expr *call)
{
    const Expr *callee = call->call.callee;
    bool of_arrays = callee->kind == EXPR_NAME && strcmp(callee->name.text, "npy") == 0;
    for (int i = 0; i < call->call.args.count && !of_arrays; i++)
        if (call->call.args.items[i].type)
            syntax_report_typed_argument(parse, &call->call.args.items[i]);
}

static TypeExpr *make_type(Parse *parse, Span span, Word base)
{
    TypeExpr *type = arena_new_of(parse->arena, TypeExpr);
    type->base = base;
    type->span = span;
    return type;
}
}

%token <word> ID "name"
%token <number> NUM "number"
%token <string> STR "string"
%token SEP "end of statement"
%token NEWLINE "newline"
%token DOTDOT ".." ARROW "->" EQ "==" NE "!=" LE "<=" GE ">=" FLOORDIV "//"
%token <word> MODEL "model" LAYER "layer" DEF "def" LOSS "loss" METRIC "metric" OPTIMIZER "optimizer"
%token <word> DATA "data" TRAIN "train" UPDATE "update" INCLUDE "include" LIKE "like"
%token <word> PARAM "param" STATE "state" RETURN "return" REPEAT "repeat" SCAN "scan"
%token <word> IF "if" THEN "then" ELSE "else" FOR "for" IN "in" AND "and" OR "or" NOT "not"
%token <word> EVERY "every" EACH "each"

%precedence IFX
%left OR
%left AND
%precedence NOT
%nonassoc EQ NE '<' LE '>' GE IN
%nonassoc DOTDOT
%left '+' '-'
%left '*' '/' FLOORDIV '%' '@'
%precedence UNARY
%right '^'

%type <stmts> stmts block block_opt
%type <stmt> stmt_opt stmt
%type <kind> defkind
%type <body> defbody
%type <formals> formals formal_list
%type <formal> formal
%type <result> result
%type <word> like key
%type <expr> source expr count path postfix primary
%type <init> init
%type <type> type
%type <dims> dims dim_list
%type <dim> dim
%type <words> names
%type <binders> binders scan_names
%type <binder> binder
%type <exprs> exprs
%type <call> args
%type <arguments> arg_list
%type <items> items
%type <item> item
%type <argument> arg

%%

program: stmts  { parse->ast->statements = $1; }
       ;

stmts: stmt_opt            { $$ = (StmtList){0}; if ($1) PUSH($$, $1); }
     | stmts sep stmt_opt  { $$ = $1; if ($3) PUSH($$, $3); }
     ;

sep: SEP  { yyerrok; }
   ;

stmt_opt: %empty       { $$ = NULL; }
        | stmt
        | error        { $$ = stmt_new(parse, STMT_ERROR, @$); }
        | error block  { $$ = stmt_new(parse, STMT_ERROR, @$); }
        ;

block: '{' stmts '}'  { $$ = $2; yyerrok; }
     ;

block_opt: %empty  { $$ = (StmtList){0}; }
         | block
         ;

stmt: defkind ID '(' formals ')' result defbody {
        Definition *definition = arena_new_of(parse->arena, Definition);
        definition->kind = $1;
        definition->name = $2;
        definition->formals = $4;
        definition->result = $6.type;
        definition->results = $6.formals;
        definition->body = $7.body;
        definition->value = $7.value;
        definition->span = @$;
        $$ = stmt_new(parse, STMT_DEFINITION, @$);
        $$->definition = definition;
      }
    | DATA ID like source block_opt {
        $$ = stmt_new(parse, STMT_DATA, @$);
        $$->data.name = $2;
        $$->data.like = $3;
        $$->data.source = $4;
        $$->data.body = $5;
        $$->data.has_body = @5.begin != @5.end;
      }
    | TRAIN ID like block {
        $$ = stmt_new(parse, STMT_TRAIN, @$);
        $$->train.name = $2;
        $$->train.like = $3;
        $$->train.body = $4;
      }
    | UPDATE ID block {
        $$ = stmt_new(parse, STMT_UPDATE, @$);
        $$->train.name = $2;
        $$->train.body = $3;
      }
    | INCLUDE STR {
        $$ = stmt_new(parse, STMT_INCLUDE, @$);
        $$->include.path = text_format(parse->arena, "%.*s", (int)$2.length, $2.bytes);
      }
    | PARAM ID ':' type          { $$ = make_bind(parse, STMT_PARAM, @$, $2, $4, NULL, false); }
    | PARAM ID ':' type init     { $$ = make_bind(parse, STMT_PARAM, @$, $2, $4, $5.value, $5.is_draw); }
    | STATE ID '=' expr          { $$ = make_bind(parse, STMT_STATE, @$, $2, NULL, $4, false); }
    | STATE ID ':' type '=' expr { $$ = make_bind(parse, STMT_STATE, @$, $2, $4, $6, false); }
    | ID ':' type                { $$ = make_bind(parse, STMT_FIELD, @$, $1, $3, NULL, false); }
    | ID ':' type init           { $$ = make_bind(parse, STMT_TYPED, @$, $1, $3, $4.value, $4.is_draw); }
    | key '=' expr {
        $$ = stmt_new(parse, STMT_ASSIGN, @$);
        $$->assign.key = $1;
        $$->assign.value = $3;
      }
    | key '[' binders ']' '=' expr {
        $$ = stmt_new(parse, STMT_ASSIGN, @$);
        $$->assign.key = $1;
        $$->assign.binders = $3;
        $$->assign.has_binders = true;
        $$->assign.value = $6;
      }
    | ID ID '=' expr {
        $$ = stmt_new(parse, STMT_NAMED, @$);
        $$->named.key = $1;
        $$->named.name = $2;
        $$->named.value = $4;
      }
    | ID ',' names '=' expr {
        $$ = stmt_new(parse, STMT_TUPLE, @$);
        vector_push(parse->arena, &$$->tuple.names, $1);
        for (int i = 0; i < $3.count; i++)
            vector_push(parse->arena, &$$->tuple.names, $3.items[i]);
        $$->tuple.value = $5;
      }
    | REPEAT count block      { $$ = make_repeat(parse, @$, (Word){0}, $2, $3); }
    | REPEAT ID IN expr block { $$ = make_repeat(parse, @$, $2, $4, $5); }
    | RETURN exprs {
        $$ = stmt_new(parse, STMT_RETURN, @$);
        $$->ret.values = $2;
      }
    ;

defkind: MODEL      { $$ = DEFINE_MODEL; }
       | LAYER      { $$ = DEFINE_LAYER; }
       | DEF        { $$ = DEFINE_DEF; }
       | LOSS       { $$ = DEFINE_LOSS; }
       | METRIC     { $$ = DEFINE_METRIC; }
       | OPTIMIZER  { $$ = DEFINE_OPTIMIZER; }
       ;

defbody: block     { $$.body = $1; $$.value = NULL; $$.has_body = true; }
       | '=' expr  { $$.body = (StmtList){0}; $$.value = $2; $$.has_body = false; }
       ;

formals: %empty       { $$ = (FormalList){0}; }
       | formal_list
       ;

formal_list: formal                  { $$ = (FormalList){0}; PUSH($$, $1); }
           | formal_list ',' formal  { $$ = $1; PUSH($$, $3); }
           ;

formal: ID                    { $$ = (Formal){$1, NULL, NULL, @$}; }
      | ID ':' type           { $$ = (Formal){$1, $3, NULL, @$}; }
      | ID '=' expr           { $$ = (Formal){$1, NULL, $3, @$}; }
      | ID ':' type '=' expr  { $$ = (Formal){$1, $3, $5, @$}; }
      ;

result: %empty                     { $$.type = NULL; $$.formals = (FormalList){0}; }
      | ARROW type                 { $$.type = $2; $$.formals = (FormalList){0}; }
      | ARROW '(' formal_list ')'  { $$.type = NULL; $$.formals = $3; }
      ;

like: %empty   { $$ = (Word){0}; }
    | LIKE ID  { $$ = $2; }
    ;

source: %empty    { $$ = NULL; }
      | '=' expr  { $$ = $2; }
      ;

init: '=' expr  { $$.value = $2; $$.is_draw = false; }
    | '~' expr  { $$.value = $2; $$.is_draw = true; }
    ;

type: ID            { $$ = make_type(parse, @$, $1); }
    | ID dims       { $$ = make_type(parse, @$, $1); $$->dims = $2; $$->has_dims = true; }
    | ID dims dims  {
        $$ = make_type(parse, @$, $1);
        $$->dims = $2;
        $$->more = $3;
        $$->has_dims = $$->has_more = true;
      }
    ;

dims: '[' dim_list ']'  { $$ = $2; }
    ;

dim_list: dim               { $$ = (DimList){0}; PUSH($$, $1); }
        | dim_list ',' dim  { $$ = $1; PUSH($$, $3); }
        ;

dim: expr       { $$ = (Dim){.size = $1, .span = @$}; }
   | DOTDOT ID  { $$ = (Dim){.rest = $2, .span = @$}; }
   ;

key: ID | DATA | OPTIMIZER | PARAM
   ;

count: NUM           { $$ = make_number(parse, @$, $1); }
     | ID            { $$ = make_name(parse, $1); }
     | '(' expr ')'  { $$ = $2; }
     ;

names: ID            { $$ = (WordList){0}; PUSH($$, $1); }
     | names ',' ID  { $$ = $1; PUSH($$, $3); }
     ;

binders: binder              { $$ = (BinderList){0}; PUSH($$, $1); }
       | binders ',' binder  { $$ = $1; PUSH($$, $3); }
       ;

binder: path  {
          $$ = (Binder){.kind = $1->kind, .span = @$};
          Expr *root = $1;
          while (root->kind == EXPR_MEMBER)
              root = root->member.base;
          if (root->kind == EXPR_NAME)
              $$.name = root->name;
          if ($1->kind == EXPR_MEMBER)
              $$.path = $1;
        }
      | ID IN expr  { $$ = (Binder){.kind = EXPR_NAME, .name = $1, .range = $3, .span = @$}; }
      ;

path: ID           { $$ = make_name(parse, $1); }
    | path '.' ID  { $$ = make_member(parse, @$, $1, $3); }
    | path '.' '*' { $$ = make_member(parse, @$, $1, any_parts(parse, @3)); }
    ;

exprs: expr            { $$ = (ExprList){0}; PUSH($$, $1); }
     | exprs ',' expr  { $$ = $1; PUSH($$, $3); }
     ;

expr: expr OR expr        { $$ = make_binary(parse, @$, $1, OPERATOR_OR, @2, $3); }
    | expr AND expr       { $$ = make_binary(parse, @$, $1, OPERATOR_AND, @2, $3); }
    | NOT expr            { $$ = make_unary(parse, @$, OPERATOR_NOT, $2); }
    | expr EQ expr        { $$ = make_binary(parse, @$, $1, OPERATOR_EQ, @2, $3); }
    | expr NE expr        { $$ = make_binary(parse, @$, $1, OPERATOR_NE, @2, $3); }
    | expr '<' expr       { $$ = make_binary(parse, @$, $1, OPERATOR_LT, @2, $3); }
    | expr LE expr        { $$ = make_binary(parse, @$, $1, OPERATOR_LE, @2, $3); }
    | expr '>' expr       { $$ = make_binary(parse, @$, $1, OPERATOR_GT, @2, $3); }
    | expr GE expr        { $$ = make_binary(parse, @$, $1, OPERATOR_GE, @2, $3); }
    | expr IN expr        { $$ = make_binary(parse, @$, $1, OPERATOR_IN, @2, $3); }
    | expr DOTDOT expr    { $$ = make_range(parse, @$, $1, @2, $3); }
    | expr '+' expr       { $$ = make_binary(parse, @$, $1, OPERATOR_ADD, @2, $3); }
    | expr '-' expr       { $$ = make_binary(parse, @$, $1, OPERATOR_SUB, @2, $3); }
    | expr '*' expr       { $$ = make_binary(parse, @$, $1, OPERATOR_MUL, @2, $3); }
    | expr '/' expr       { $$ = make_binary(parse, @$, $1, OPERATOR_DIV, @2, $3); }
    | expr FLOORDIV expr  { $$ = make_binary(parse, @$, $1, OPERATOR_FLOORDIV, @2, $3); }
    | expr '%' expr       { $$ = make_binary(parse, @$, $1, OPERATOR_MOD, @2, $3); }
    | expr '@' expr       { $$ = make_binary(parse, @$, $1, OPERATOR_MATMUL, @2, $3); }
    | expr '^' expr       { $$ = make_binary(parse, @$, $1, OPERATOR_POW, @2, $3); }
    | '-' expr %prec UNARY    { $$ = make_unary(parse, @$, OPERATOR_NEG, $2); }
    | EVERY expr %prec UNARY  { $$ = make_inner(parse, @$, EXPR_EVERY, $2); }
    | EACH expr %prec UNARY   { $$ = make_inner(parse, @$, EXPR_EACH, $2); }
    | IF expr THEN expr ELSE expr %prec IFX {
        $$ = expr_new(parse, EXPR_IF, @$);
        $$->choice.condition = $2;
        $$->choice.then = $4;
        $$->choice.otherwise = $6;
        $$ = expr_finish(parse, $$);
      }
    | SCAN scan_names IN exprs block { $$ = make_scan(parse, @$, $2, $4, $5); }
    | postfix
    ;

scan_names: ID {
              $$ = (BinderList){0};
              PUSH($$, ((Binder){.kind = EXPR_NAME, .name = $1, .span = @$}));
            }
          | scan_names ',' ID {
              $$ = $1;
              PUSH($$, ((Binder){.kind = EXPR_NAME, .name = $3, .span = @3}));
            }
          ;

postfix: primary
       | postfix '.' ID          { $$ = make_member(parse, @$, $1, $3); }
       | postfix '.' '*'         { $$ = make_member(parse, @$, $1, any_parts(parse, @3)); }
       | postfix '(' args ')' {
           $$ = expr_new(parse, EXPR_CALL, @$);
           $$->call.callee = $1;
           $$->call.args = $3.args;
           $$->call.binders = $3.binders;
           refuse_typed_arguments(parse, $$);
           $$ = expr_finish(parse, $$);
         }
       | postfix '[' items ']' {
           $$ = expr_new(parse, EXPR_INDEX, @$);
           $$->index.base = $1;
           $$->index.items = $3;
           $$ = expr_finish(parse, $$);
         }
       ;

primary: ID     { $$ = make_name(parse, $1); }
       | PARAM  { $$ = make_name(parse, $1); }
       | TRAIN  { $$ = make_name(parse, $1); }
       | NUM    { $$ = make_number(parse, @$, $1); }
       | STR {
           $$ = expr_new(parse, EXPR_STRING, @$);
           $$->string.bytes = $1.bytes;
           $$->string.length = $1.length;
         }
       | NUM ID {
           $$ = expr_new(parse, EXPR_QUANTITY, @$);
           $$->quantity.value = $1.value;
           $$->quantity.is_integer = $1.is_integer;
           $$->quantity.unit = $2;
         }
       | '(' expr ')'  { $$ = $2; }
       | '[' exprs ']' {
           $$ = expr_new(parse, EXPR_ARRAY, @$);
           $$->array.items = $2;
           $$ = expr_finish(parse, $$);
         }
       | '[' expr FOR binders ']' {
           $$ = expr_new(parse, EXPR_COMPREHENSION, @$);
           $$->comprehension.item = $2;
           $$->comprehension.binders = $4;
           $$ = expr_finish(parse, $$);
         }
       ;

args: %empty    { $$.args = (ArgumentList){0}; $$.binders = (BinderList){0}; }
    | arg_list  { $$.args = $1; $$.binders = (BinderList){0}; }
    | expr FOR binders {
        $$.args = (ArgumentList){0};
        PUSH($$.args, ((Argument){.value = $1}));
        $$.binders = $3;
      }
    ;

arg_list: arg               { $$ = (ArgumentList){0}; PUSH($$, $1); }
        | arg_list ',' arg  { $$ = $1; PUSH($$, $3); }
        ;

arg: expr         { $$ = (Argument){.value = $1}; }
   | ID '=' expr  { $$ = (Argument){.name = $1, .value = $3}; }
   | ID ':' type '=' expr  { $$ = (Argument){.name = $1, .type = $3, .value = $5}; }
   ;

items: item            { $$ = (ItemList){0}; PUSH($$, $1); }
     | items ',' item  { $$ = $1; PUSH($$, $3); }
     ;

item: expr         { $$ = (Item){ITEM_EXPR, $1, @$}; }
    | DOTDOT       { $$ = (Item){ITEM_ALL, NULL, @$}; }
    | DOTDOT expr  { $$ = (Item){ITEM_UPTO, $2, @$}; }
    | expr DOTDOT  { $$ = (Item){ITEM_FROM, $1, @$}; }
    ;

%%

static int yyreport_syntax_error(const yypcontext_t *context, Parse *parse)
{
    yysymbol_kind_t kinds[YYNTOKENS];
    const char     *names[YYNTOKENS];
    int             count = yypcontext_expected_tokens(context, kinds, YYNTOKENS);
    for (int i = 0; i < count; i++)
        names[i] = yysymbol_name(kinds[i]);
    syntax_report(parse, (Expected){names, count});
    return 0;
}
