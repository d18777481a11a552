"""Optimizers, learning-rate schedules and penalties, for training without a machine learning framework."""

from ._methods import SGD, Adam, AdamW
from ._optimizer import Optimizer
from ._penalties import rate_penalty, total_loss
from ._schedules import CosineDecay, ExponentialDecay, Schedule, StepDecay, Warmup

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "CosineDecay",
    "ExponentialDecay",
    "Optimizer",
    "Schedule",
    "StepDecay",
    "Warmup",
    "rate_penalty",
    "total_loss",
]
