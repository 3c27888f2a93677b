"""How many examples Hypothesis tries: half of them while working, all with CI=true.

Neither counts seconds, as a machine may be four times slower than another.
"""

import os
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

PATIENT: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("ci", max_examples=100, print_blob=True, **PATIENT)
settings.register_profile("dev", max_examples=50, **PATIENT)


def load_profile() -> None:
    """`ci` where nothing is left out, otherwise `dev`; HYPOTHESIS_PROFILE names another."""
    usual = "ci" if os.environ.get("CI") == "true" else "dev"
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", usual))


def examples(number: int) -> int:
    """So many in CI, and the profile's share of them elsewhere."""
    return max(1, number * settings().max_examples // 100)


def walk(machine: type[RuleBasedStateMachine], *, lives: int, steps: int, **attributes: Any) -> None:
    """Let Hypothesis walk a state machine, `lives` times in CI. `attributes` are set on the machine's class."""
    how = settings(
        max_examples=examples(lives),
        stateful_step_count=steps,
        suppress_health_check=list(HealthCheck),
        # No shrinking: it would start the service hundreds of times; the steps are printed as they were.
        phases=(Phase.explicit, Phase.reuse, Phase.generate),
    )
    run_state_machine_as_test(type(machine.__name__, (machine,), attributes), settings=how)
