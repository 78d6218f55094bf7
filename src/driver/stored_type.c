/* What arrays in .npy files are made of, by their headers: lowering asks before anything is read. A file that is not there,
 * or whose header cannot be read, is of unknown type; loading says what is wrong with it.
 */
#include "driver/stored_type.h"
#include "array_file.h"
#include "driver/find_data.h"
#include "driver/tables.h"

static StoredAs type_of_items(const ArrayHeader *header) {
    if (header->kind == ITEM_BOOL) return STORED_TRUTHS;
    if (header->kind == ITEM_UNSIGNED && header->item_bytes == 1) return STORED_BYTES;
    bool fits = header->item_bytes < 4 || (header->item_bytes == 4 && header->kind == ITEM_SIGNED);
    return header->kind != ITEM_FLOAT && fits ? STORED_WHOLE : STORED_REAL;
}

StoredAs stored_type(void *context, const DataSet *set, const char *path) {
    const Driver *driver = context;
    const char *searched, *file = find_data_file(driver->arena, tables_program_of(driver, set), path, &searched);
    sgdrt_problem problem;
    Input *input = NULL;
    ArrayHeader header;
    bool good = file && !sgdrt_input_open(file, false, &input, &problem) &&
                !sgdrt_npy_header(file, input, &header, &problem);
    sgdrt_input_close(input);
    return good ? type_of_items(&header) : STORED_UNKNOWN;
}
