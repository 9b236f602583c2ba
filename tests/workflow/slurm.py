"""A SLURM of one node on this machine: munge, controller and node daemon on the loopback, in one folder."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "squeue", "scancel")
CPUS = 4
_SECONDS_TO_START = 60
_SECONDS_TO_END = 20

_CONFIGURATION = """\
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={daemon}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
MinJobAge=3600
KillWait=30
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
GresTypes=gpu
NodeName=localhost NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=100000 Gres=gpu:2 State=UNKNOWN
PartitionName=main Nodes=localhost Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str | None:
    """Say what is missing for a SLURM here, or return None."""
    absent = [name for name in PROGRAMS if _program(name) is None]
    if absent:
        return f"no {', '.join(absent)}: install Debian's packages slurm-wlm and munge"
    return "slurmd starts jobs for others and needs root" if os.getuid() else None


@dataclass
class Slurm:
    """A running cluster; `environment` leads SLURM's commands to it."""

    environment: dict[str, str]

    def call(self, *command: str) -> str:
        """Run one of SLURM's commands and return what it printed."""
        environment = os.environ | self.environment
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=30, check=True
        )
        return done.stdout

    def jobs(self) -> list[dict[str, str]]:
        """Return what the controller says of every job since the start, running or ended, by its own keys."""
        listed = self.call("scontrol", "--oneliner", "show", "job")
        lines = [line for line in listed.splitlines() if line.startswith("JobId=")]
        return [dict(re.findall(r"(\w+)=(\S*)", line)) for line in lines]


@contextmanager
def cluster(folder: Path) -> Iterator[Slurm]:
    """Run a cluster with its files in `folder`; whatever happens, nothing of it is left running."""
    for name in ("munge", "state", "spool"):
        (folder / name).mkdir(parents=True, mode=0o755)
    key = folder / "munge" / "key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    (folder / "slurm.conf").write_text(
        _CONFIGURATION.format(folder=folder, controller=_free_port(), daemon=_free_port(), cpus=CPUS)
    )
    devices = [folder / f"nvidia{number}" for number in range(2)]  # only their names are looked at
    for device in devices:
        device.touch()
    (folder / "gres.conf").write_text(
        f"AutoDetect=off\nName=gpu Flags=nvidia_gpu_env File={folder}/nvidia[0-1]\n"
    )
    slurm = Slurm(_environment(folder))
    daemons: list[subprocess.Popen[bytes]] = []
    try:
        for command in _daemons(folder):
            log = (folder / f"{Path(command[0]).name}.out").open("wb")
            daemons.append(
                subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | slurm.environment)
            )
            log.close()
            if command is _daemons(folder)[0]:
                _wait_until((folder / "munge" / "socket").exists, folder)
        _wait_until(lambda: "idle" in _quietly(slurm, "sinfo", "--noheader", "--format=%T"), folder)
        yield slurm
    finally:
        _stop(slurm, daemons)


def _environment(folder: Path) -> dict[str, str]:
    """Lead SLURM's commands to the cluster in `folder`.

    The executor takes SLURM's variables from the srun in a job, which else finds /etc/slurm/slurm.conf.
    """
    configuration = folder / "slurm.conf"
    srun = folder / "bin" / "srun"
    srun.parent.mkdir()
    srun.write_text(f'#!/bin/sh\nexec env SLURM_CONF={configuration} {shutil.which("srun")} "$@"\n')
    srun.chmod(0o755)
    path = f"{srun.parent}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {"SLURM_CONF": str(configuration), "PATH": path}


def _daemons(folder: Path) -> list[list[str]]:
    munge = folder / "munge"
    return [
        [
            str(_program("munged")),
            "--foreground",
            "--force",  # whatever the rights of the folders above
            f"--key-file={munge}/key",
            f"--socket={munge}/socket",
            f"--pid-file={munge}/pid",
            f"--log-file={munge}/log",
            f"--seed-file={munge}/seed",
        ],
        [str(_program("slurmctld")), "-D", "-f", f"{folder}/slurm.conf"],
        [str(_program("slurmd")), "-D", "-N", "localhost", "-f", f"{folder}/slurm.conf"],
    ]


def _stop(slurm: Slurm, daemons: list[subprocess.Popen[bytes]]) -> None:
    """End the jobs first, for they outlive their node's daemon, then the daemons, the last first."""
    _quietly(slurm, "scancel", "--signal=KILL", "--full", "--state=RUNNING")
    _quietly(slurm, "scancel", "--user=root")
    end = time.monotonic() + _SECONDS_TO_END
    while time.monotonic() < end and _quietly(slurm, "squeue", "--noheader"):
        time.sleep(0.5)
    for daemon in reversed(daemons):
        daemon.terminate()
        try:
            daemon.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()


def _quietly(slurm: Slurm, *command: str) -> str:
    """Return what a command printed; nothing if it failed."""
    with suppress(subprocess.SubprocessError):
        return slurm.call(*command)
    return ""


def _wait_until(condition, folder: Path) -> None:
    end = time.monotonic() + _SECONDS_TO_START
    while not condition():
        if time.monotonic() > end:
            logs = "\n".join(log.read_text(errors="replace") for log in folder.rglob("*.log"))
            raise AssertionError(f"SLURM has not started within {_SECONDS_TO_START} s:\n{logs}")
        time.sleep(0.3)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
