; The last pattern that fits a node wins.

(identifier) @variable
(number) @number
(quantity unit: (identifier) @keyword)
(string) @string
(escape) @string.escape
(comment) @comment
(doc_comment) @comment.documentation

[ "model" "layer" "def" "loss" "metric" "optimizer" "data" "train" "update" "include" "like" "param" "state" "return" ] @keyword
[ "repeat" "scan" "for" "every" "each" ] @keyword.repeat
[ "if" "then" "else" ] @keyword.conditional
[ "in" "and" "or" "not" ] @keyword.operator
[ "==" "!=" "<" "<=" ">" ">=" ".." "+" "-" "*" "/" "//" "%" "@" "^" "=" "~" "->" ] @operator
[ "(" ")" "[" "]" "{" "}" ] @punctuation.bracket
[ "," ":" "." ";" ] @punctuation.delimiter

(type name: (identifier) @type)
((type name: (identifier) @type.builtin)
  (#any-of? @type.builtin "f32" "f64" "i32" "bool" "label" "real" "int"))
((identifier) @constant.builtin
  (#any-of? @constant.builtin "true" "false" "inf" "pi" "training"))

(call function: (identifier) @function.call)
(member name: (identifier) @property)
(named_argument name: (identifier) @variable.parameter)
(argument name: (identifier) @variable.parameter)

(definition name: (identifier) @function)
(data_block name: (identifier) @module)
(train_block name: (identifier) @module)
(update_block name: (identifier) @module)
(like name: (identifier) @module)
(parameter name: (identifier) @variable.member)
(state name: (identifier) @variable.member)
(field name: (identifier) @variable.member)
(named_setting kind: (identifier) @keyword)
