"""Every template in every state, with realistic synthetic data: what the template tests render and look at."""

from tests.gateway.samples.citizen import CITIZEN_SAMPLES
from tests.gateway.samples.decoupled import DECOUPLED_SAMPLES
from tests.gateway.samples.desk import DESK_SAMPLES
from tests.gateway.samples.help import HELP_SAMPLES
from tests.gateway.samples.people import NOW, Sample
from tests.gateway.samples.signin import SIGNIN_SAMPLES

SAMPLES: tuple[Sample, ...] = (*SIGNIN_SAMPLES, *CITIZEN_SAMPLES, *DECOUPLED_SAMPLES, *DESK_SAMPLES, *HELP_SAMPLES)

__all__ = ["NOW", "SAMPLES", "Sample"]
