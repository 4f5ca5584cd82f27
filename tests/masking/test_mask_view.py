import numpy as np
import pytest

from s2lookback.masking.evidence import possible
from s2lookback.masking.mask import classify, over_views
from s2lookback.masking.methods import method_for
from s2lookback.masking.rules import Rules


@pytest.mark.parametrize("with_model", [True, False])
def test_pixels_among_others_are_judged_as_alone(model, paint, weather, ground, quick, with_model):
    scene = paint(weather(40), 40)
    method = method_for(scene, ground.pixels, model if with_model else None, quick)
    [view] = over_views(lambda rows, view: view, scene, ground.pixels, quick)
    some = np.random.default_rng(3).random(view.labels.shape) < 0.3
    np.testing.assert_array_equal(method.probabilities(view.at(some)), method.probabilities(view)[:, some])
    assert method.probabilities(view.at(some & ~some)).shape == (4, 0)


def test_nobody_is_asked_where_light_allows_no_cover(paint, weather, ground, quick, monkeypatch):
    scene, asked = paint(weather(40), 40), []
    ask = Rules.probabilities
    monkeypatch.setattr(Rules, "probabilities", lambda self, view: asked.append(view) or ask(self, view))
    classify(scene, ground.pixels, None, quick)
    assert 0 < sum(view.labels.size for view in asked) < scene.grid.width * scene.grid.height
    assert all(possible(view).all() for view in asked)
