"""report.toml holds together."""

import pytest

from grading.assignment import read_assignment

ASSIGNMENT = read_assignment()


def test_points_total_100() -> None:
    assert sum(question.points for question in ASSIGNMENT.questions) == 100


def test_configuration_ids_of_the_contract() -> None:
    assert [c.id for c in ASSIGNMENT.configurations] == [
        *("Q1-1", "Q1-2", "Q1-3", "Q1-5", "Q1-6", "Q1-8"),
        *("Q2-1-skips", "Q2-1-no-skips", "Q2-3-merged", "Q2-3-first-three"),
    ]


@pytest.mark.parametrize("configuration", ASSIGNMENT.configurations, ids=lambda c: c.id)
def test_a_configuration_is_complete(configuration) -> None:
    assert ASSIGNMENT.question(configuration.question).training_points > 0
    assert configuration.metric in configuration.published
    assert set(configuration.protocols) == set(ASSIGNMENT.profiles)
    assert configuration.kind in ASSIGNMENT.gflop
    if configuration.task == "segmentation":
        assert configuration.classes is not None
        assert {new for _, new in configuration.classes.mapping} == set(range(len(configuration.classes.names)))


@pytest.mark.parametrize("relation", ASSIGNMENT.relations, ids=lambda r: r.id)
def test_a_relation_names_what_exists(relation) -> None:
    assert ASSIGNMENT.question(relation.question)
    assert ASSIGNMENT.configuration(relation.better).id != ASSIGNMENT.configuration(relation.worse).id


def test_part_1_accuracies_are_multiples_of_one_in_400() -> None:
    for configuration in ASSIGNMENT.configurations:
        for key in ("initial", "best"):
            value = configuration.published.get("accuracy", {}).get(key)
            assert value is None or value * 400 == pytest.approx(round(value * 400))
