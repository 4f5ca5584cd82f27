"""Scenes with a known truth, made by code that shares nothing with the methods it judges."""

from s2lookback.simulate.acquisition import simulate_scene
from s2lookback.simulate.scenario import Scenario, sensing_times
from s2lookback.simulate.series import Observation, plain, scenario_of, series
from s2lookback.simulate.truth import Truth, truth

__all__ = [
    "Observation",
    "Scenario",
    "Truth",
    "plain",
    "scenario_of",
    "sensing_times",
    "series",
    "simulate_scene",
    "truth",
]
