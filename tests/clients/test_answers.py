"""A client cannot tell linac's answers from those of the server behind it."""

import pytest

import scenarios


@pytest.mark.parametrize("way", ["cached", "uncached"])
@pytest.mark.parametrize("scenario", scenarios.ALL, ids=lambda scenario: scenario.__name__)
def test_answers_equal_the_direct_ones(answers, scenario, way):
    direct, through = answers("direct", scenario), answers(way, scenario)
    for expected, answer in zip(direct, through, strict=False):
        assert answer == expected
    assert len(through) == len(direct)


def test_the_cache_took_part(answers, ways):
    answers("cached", scenarios.items)
    answers("uncached", scenarios.items)
    assert ways["cached"].outcomes("hit") >= 2
    assert ways["cached"].outcomes("negative-hit") >= 1
    assert ways["uncached"].outcomes("hit") == 0
