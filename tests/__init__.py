"""The tests of the student API, and how hypothesis draws their inputs."""

from hypothesis import HealthCheck, Phase, settings

# Derandomised: the same submission gets the same verdict every time. No deadline: on a slow machine a right answer is
# still right.
settings.register_profile(
    "student",
    derandomize=True,
    deadline=None,
    max_examples=25,
    database=None,
    report_multiple_bugs=False,  # one failure has one message
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("seeds", parent=settings.get_profile("student"), derandomize=False)
settings.load_profile("student")
