// spiral points.csv model.safetensors: trains on the points, tells how many it knows, saves.
#include "spiral.h"
#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

static void check(int status) {
    if (status) throw std::runtime_error(spiral_strerror(status));
}

int main(int argc, char **argv) try {
    std::vector<float> x;
    std::vector<int32_t> arm;
    std::ifstream file(argc == 3 ? argv[1] : "");
    std::string header;
    std::getline(file, header);
    float east, north;
    char comma;
    int32_t k;
    while (file >> east >> comma >> north >> comma >> k) {
        x.insert(x.end(), {east, north});
        arm.push_back(k);
    }

    spiral *made;
    check(spiral_new(&made, nullptr));
    std::unique_ptr<spiral, void (*)(spiral *)> model(made, spiral_free);
    spiral_data points = spiral_rows(static_cast<int64_t>(arm.size()), x.data(), arm.data());
    check(spiral_fit(model.get(), &points, nullptr, nullptr, nullptr));
    std::vector<float> scores(arm.size() * SPIRAL_OUTPUTS);
    check(spiral_predict(model.get(), &points, scores.data(), nullptr));
    check(spiral_save(model.get(), argv[2]));

    size_t right = 0;
    for (size_t i = 0; i < arm.size(); i++) {
        const float *of = &scores[i * SPIRAL_OUTPUTS];
        right += std::max_element(of, of + SPIRAL_OUTPUTS) - of == arm[i];
    }
    std::cout << right << " of " << arm.size() << "\n";
} catch (const std::exception &problem) {
    std::cerr << problem.what() << "\n";
    return 1;
}
