"""Which variables are really set, in the environment and in `.env`."""

import os

from shared.setting_sources import FILE_SUFFIX
from shared.settings import PREFIX, ServiceSettings, file_variables


def written_names() -> dict[str, str]:
    """Our names in the environment and in `.env`, in capitals, each as it is written there."""
    names = [*file_variables(), *os.environ]
    return {name.upper(): name for name in names if name.upper().startswith(PREFIX)}


def variable_of(options: type[ServiceSettings], field: str) -> str:
    """The variable from which this setting was taken; the suite's own where none is set."""
    written = written_names()
    wanted = [prefix + field.upper() + end for prefix in options.prefixes() for end in (FILE_SUFFIX, "")]
    return next((written[name] for name in wanted if name in written), wanted[-1])
