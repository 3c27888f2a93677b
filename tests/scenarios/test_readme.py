"""A stranger types what the README says, and sees what the README says."""

import asyncio
import os
import re
import subprocess
from pathlib import Path

import pytest
from scenarios.conftest import StartSuite

ROOT = Path(__file__).parents[2]
SEEN = (
    '"discount":3958',
    '"discount":1042',
    '"total":28100',
    '"missing_amount":16900',
    '"code":"claim_limit_reached"',
    '"code":"validation_failed"',
    '"status":"committed"',
    '"amount":11121',
    '{"success":true}',
    '"count":1',
    '"ok":true',
)


@pytest.mark.slow
async def test_the_readmes_commands_run(start_suite: StartSuite) -> None:
    blocks = re.findall(r"^```bash\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    async with start_suite("embedded") as suite:
        script = "set -euo pipefail\n" + "\n".join(blocks)
        script = script.replace("http://127.0.0.1:8000", suite.url)
        script = script.replace("data/admin.key", str(suite.data_dir / "admin.key"))
        run = await asyncio.to_thread(
            subprocess.run,
            ["bash", "-c", script],
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
            env={"PATH": os.environ["PATH"]},
        )
    assert run.returncode == 0, run.stderr
    assert [text for text in SEEN if text not in run.stdout] == [], run.stdout
