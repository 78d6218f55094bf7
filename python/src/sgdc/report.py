"""What is known of a training after an epoch."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Callable


@dataclass(frozen=True)
class Report:
    """The end of an epoch. valid_loss is NaN where no rows validate."""

    epoch: int
    step: int
    train_loss: float
    valid_loss: float = math.nan
    figures: dict[str, float] = field(default_factory=dict)  # measures, where sgdc --run says them

    def text(self, epochs: int = 0) -> str:
        """`epoch 3/40  train_loss 0.25  valid_loss 0.26`"""
        parts = [f"epoch {self.epoch}/{epochs}" if epochs else f"epoch {self.epoch}"]
        parts.append(f"train_loss {self.train_loss:.6g}")
        if not math.isnan(self.valid_loss):
            parts.append(f"valid_loss {self.valid_loss:.6g}")
        parts += [f"{name} {value:.6g}" for name, value in self.figures.items()]
        return "  ".join(parts)


# Told after each epoch; True ends the training.
Callback = Callable[[Report], object]
