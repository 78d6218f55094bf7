/* emit_classes: the names of classes that an object learns, for its header, from the data where that is at hand. */
#include "driver/find_data.h"
#include "driver/training.h"

static bool data_is_there(Driver *driver, const DataSet *set) {
    const char *searched;
    if (set->joined_count) {
        bool there = true;
        for (int i = 0; i < set->joined_count; i++) there &= data_is_there(driver, set->joined[i]);
        return there;
    }
    return set->path && find_data_file(driver->arena, tables_program_of(driver, set), set->path, &searched);
}

bool classes_for_objects(Driver *driver) {
    const Program *program = driver->program;
    bool wanted = false, there = true;
    for (int r = 0; r < program->run_count; r++) {
        const Run *run = &program->runs[r];
        wanted |= classes_are_learnt(run->data);
        there &= data_is_there(driver, run->data) && (!run->valid || data_is_there(driver, run->valid));
    }
    if (!wanted || !there) return true;
    Tables *tables = tables_load(driver);
    if (tables) tables_free(tables);
    return tables != NULL;
}
