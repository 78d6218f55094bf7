/* habit.c: words that people bring from other languages and libraries, and what takes their place here.
 *
 * A table for each place where such a word may stand. The words of statements (`import`, `class`) are the
 * parser's: frontend/syntax.c.
 */
#include "lower/internal.h"
#include <string.h>

typedef struct Habit {
    const char *word, *advice;
} Habit;

static const Habit names[] = {
    {"nn", "layers have no prefix: nn.Linear(n, m) is dense(x, m), nn.Conv2d is conv2d(x, m, k)"},
    {"torch", "functions have no prefix: exp(x), relu(x), sum(x)"},
    {"np", "functions have no prefix: exp(x), sqrt(x), sum(x)"},
    {"F", "functions have no prefix: relu(x), softmax(x), cross_entropy(z, y)"},
    {"Linear", "a fully connected layer is dense(x, m)"},
    {"linear", "a fully connected layer is dense(x, m)"},
    {"Dense", "a fully connected layer is dense(x, m)"},
    {"Conv2d", "a convolution is conv2d(x, m, k)"},
    {"MSELoss", "the squared error is mse(p, y), and half of it squared(p, y)"},
    {"CrossEntropyLoss", "it is cross_entropy(z, y), of the scores before any softmax"},
    {"nll_loss", "it is negative_log_likelihood"},
    {"range", "a range is written 0..n"},
    {"len", "sizes are known when compiling: name one in an argument's type, as in x: real[n]"},
    {"gaussian", "it is normal(mean, deviation)"},
    {"randn", "a draw is written normal(0, 1)"},
    {"clip", "a number is kept within bounds by clamp(x, low, high), a gradient by clip_norm(grad, most)"},
    {"pow", "a power is written x^2"},
    {"matmul", "a matrix product is written a @ b"},
    {"True", "it is written true"},
    {"False", "it is written false"},
};

static const Habit settings[] = {
    {"test_size", "rows that validate are set by `hold_out = 0.2`"},
    {"test_split", "rows that validate are set by `hold_out = 0.2`"},
    {"valid_split", "rows that validate are set by `hold_out = 0.2`"},
    {"validation_split", "rows that validate are set by `hold_out = 0.2`"},
    {"validation_size", "rows that validate are set by `hold_out = 0.2`"},
    {"val_split", "rows that validate are set by `hold_out = 0.2`"},
    {"cv", "a run for each fold is made by `hold_out = folds(5)`"},
    {"folds", "a run for each fold is made by `hold_out = folds(5)`"},
    {"k_folds", "a run for each fold is made by `hold_out = folds(5)`"},
    {"n_splits", "a run for each fold is made by `hold_out = folds(5)`"},
    {"stratify", "a share of each class is held out by `hold_out = split(0.2, by = y)`"},
    {"validation_data", "a data set that validates is set by `valid = test`"},
    {"test_data", "a data set that validates is set by `valid = test`"},
    {"early_stopping", "write `stop = stalled(valid.loss, 5 epochs)` and `keep = best(valid.loss)`"},
    {"patience", "write `stop = stalled(valid.loss, 5 epochs)`"},
    {"restore_best_weights", "write `keep = best(valid.loss)`"},
    {"save_best", "write `keep = best(valid.loss)`"},
    {"checkpoint", "what is kept is set by `keep = best(valid.loss)`, and saved by --save"},
    {"shuffle", "rows are shuffled every epoch; `batch = 64 sequential` takes them in their order"},
    {"metrics", "each figure is a line of its own, such as `measure accuracy = accuracy(net(x), y)`"},
    {"metric_names", "each figure is a line of its own, such as `measure accuracy = accuracy(net(x), y)`"},
    {"lr", "the rate is the optimizer's: `optimizer = sgd(lr = 0.1)`"},
    {"learning_rate", "the rate is the optimizer's: `optimizer = sgd(lr = 0.1)`"},
    {"scheduler", "a schedule is a factor of the rate: `sgd(lr = 0.1 * cosine(progress))`"},
    {"lr_scheduler", "a schedule is a factor of the rate: `sgd(lr = 0.1 * cosine(progress))`"},
    {"weight_decay", "it is the optimizer's, as in `adamw(lr = 0.001)`, or `penalty = 0.01 * l2(net.h.dense.w)`"},
    {"momentum", "it is an optimizer: `optimizer = momentum(lr = 0.1, beta = 0.9)`"},
    {"batch_size", "rows per step are set by `batch = 64`"},
    {"minibatch", "rows per step are set by `batch = 64`"},
    {"drop_last", "a rest of rows is left out by `last = drop`"},
    {"num_epochs", "how long is set by `epochs = 10`, or by `steps = 1000`"},
    {"n_epochs", "how long is set by `epochs = 10`, or by `steps = 1000`"},
    {"max_epochs", "how long is set by `epochs = 10`, or by `steps = 1000`"},
    {"iterations", "how long is set by `epochs = 10`, or by `steps = 1000`"},
    {"max_iter", "how long is set by `epochs = 10`, or by `steps = 1000`"},
    {"max_steps", "how long is set by `epochs = 10`, or by `steps = 1000`"},
    {"criterion", "what is minimized is set by `minimize = cross_entropy(net(x), y)`"},
    {"objective", "what is minimized is set by `minimize = cross_entropy(net(x), y)`"},
    {"loss_fn", "what is minimized is set by `minimize = cross_entropy(net(x), y)`"},
    {"regularization", "a penalty is set by `penalty = 0.01 * l2(net.h.dense.w)`"},
    {"regularizer", "a penalty is set by `penalty = 0.01 * l2(net.h.dense.w)`"},
    {"clip_grad_norm", "gradients are clipped by `gradient = clip_norm(grad, 1)`"},
    {"gradient_clip", "gradients are clipped by `gradient = clip_norm(grad, 1)`"},
    {"grad_clip", "gradients are clipped by `gradient = clip_norm(grad, 1)`"},
    {"random_state", "draws and orders follow from `seed = 1`"},
    {"random_seed", "draws and orders follow from `seed = 1`"},
    {"verbose", "how often lines are printed is set by `report = every 10 epochs`"},
    {"log_interval", "how often lines are printed is set by `report = every 10 epochs`"},
    {"device", "sgdc trains on the processor; --threads says on how many cores"},
    {"threads", "the number of threads is not the program's: sgdc --threads=2"},
    {"workers", "the number of threads is not the program's: sgdc --threads=2"},
    {"model", "the model is called in what is minimized: `minimize = mse(net(x), y)`"},
};

static const char *look_up(const Habit *rows, size_t count, const char *word) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, rows[i].word) == 0) return rows[i].advice;
    return NULL;
}

const char *habit_of_name(const char *name) { return look_up(names, sizeof names / sizeof *names, name); }

const char *habit_of_setting(const char *name) { return look_up(settings, sizeof settings / sizeof *settings, name); }
