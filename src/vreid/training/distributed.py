"""Starts the processes that train one run together.

    torchrun --standalone --nproc-per-node=2 -m vreid.training.distributed CONFIG PACK OUT

CONFIG is a run's config.json. `vreid run train --processes 2` does this for a run of the plan.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from vreid.params.errors import UserError
from vreid.params.run import TrainConfig
from vreid.training.interruption import InterruptedRunError, relaying_signals
from vreid.training.train import train


def train_in_processes(config: TrainConfig, pack: Path, out: Path, processes: int) -> None:
    """Train as `vreid.training.train.train` does, in several `processes` of this machine.

    The result is that of one process but for rounding. Each of them has the job's threads; with CUDA
    each has a device of its own.

    Raises:
        UserError: one of them failed; it has said why.
    """
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "config.json"
        written.write_text(config.model_dump_json(), encoding="utf-8")
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        started = [f"--nproc-per-node={processes}", "-m", "vreid.training.distributed"]
        arguments = [*torchrun, *started, str(written), str(pack), str(out)]
        with subprocess.Popen(arguments) as running, relaying_signals(running.send_signal):
            status = running.wait()
    if status:
        raise UserError(f"{out.name} was not trained to its end by {processes} processes; see above")


def main() -> None:
    """Be one of the processes; a mistake of the user's is a sentence."""
    config, pack, out = map(Path, sys.argv[1:])
    try:
        train(TrainConfig.model_validate_json(config.read_bytes()), pack, out)
    except InterruptedRunError as error:
        sys.exit(1 if os.environ.get("RANK", "0") != "0" else f"vreid: {error}")
    except UserError as error:
        sys.exit(f"vreid, process {int(os.environ.get('RANK', '0')) + 1}: {error}")


if __name__ == "__main__":
    main()
