// spiral points.csv model.safetensors: trains on the points, tells how many it knows, saves.
package main

// #include "spiral.h"
// #include <stdlib.h>
import "C"

import (
	"encoding/csv"
	"fmt"
	"log"
	"os"
	"strconv"
	"unsafe"
)

func check(status C.int) {
	if status != 0 {
		log.Fatal(C.GoString(C.spiral_strerror(status)))
	}
}

// What C points to lies in C's memory.
func floats(count int) []C.float {
	return unsafe.Slice((*C.float)(C.malloc(C.size_t(4*count))), count)
}

func main() {
	file, err := os.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		log.Fatal(err)
	}
	lines = lines[1:]
	rows := len(lines)
	x, scores := floats(2*rows), floats(C.SPIRAL_OUTPUTS*rows)
	arm := unsafe.Slice((*C.int32_t)(C.malloc(C.size_t(4*rows))), rows)
	for i, line := range lines {
		for k := 0; k < 2; k++ {
			value, _ := strconv.ParseFloat(line[k], 32)
			x[2*i+k] = C.float(value)
		}
		label, _ := strconv.Atoi(line[2])
		arm[i] = C.int32_t(label)
	}

	var model *C.spiral
	points := C.spiral_rows(C.int64_t(rows), &x[0], &arm[0])
	path := C.CString(os.Args[2])
	check(C.spiral_new(&model, nil))
	defer C.spiral_free(model)
	check(C.spiral_fit(model, &points, nil, nil, nil))
	check(C.spiral_predict(model, &points, &scores[0], nil))
	check(C.spiral_save(model, path))

	right := 0
	for i := range arm {
		best := 0
		for k := 1; k < C.SPIRAL_OUTPUTS; k++ {
			if scores[C.SPIRAL_OUTPUTS*i+k] > scores[C.SPIRAL_OUTPUTS*i+best] {
				best = k
			}
		}
		if C.int32_t(best) == arm[i] {
			right++
		}
	}
	fmt.Println(right, "of", rows)
}
