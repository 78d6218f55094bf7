# Writes the files of FILES (a list) as C arrays of bytes to OUT: TABLE[], which HEADER declares, of support.h's EmbeddedFile;
# FOLDER begins their names.
set(text "#include \"${HEADER}\"\n")
set(table "")
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME)
  string(MAKE_C_IDENTIFIER ${name} identifier)
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND text "static const unsigned char ${identifier}[] = {${bytes}0};\n")
  string(APPEND table "    {\"${FOLDER}${name}\", (const char *)${identifier}, sizeof ${identifier} - 1},\n")
endforeach()
file(WRITE ${OUT} "${text}const EmbeddedFile ${TABLE}[] = {\n${table}    {0, 0, 0},\n};\n")
