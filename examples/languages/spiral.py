# python spiral.py points.csv model.safetensors: trains on the points, tells how many it knows, saves.
import pathlib
import sys

import numpy as np
import sgdc

table = np.loadtxt(sys.argv[1], dtype=np.float32, delimiter=",", skiprows=1)
x, arm = table[:, :2], table[:, 2].astype(np.int32)

model = sgdc.compile(pathlib.Path(__file__).with_name("spiral.sgd"))
model.fit(x, arm)
scores = model.predict(x)
model.save(sys.argv[2])
print((scores.argmax(axis=1) == arm).sum(), "of", len(arm))
