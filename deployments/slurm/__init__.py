"""Flow runs as Slurm jobs: the worker type ``slurm``."""

from deployments.slurm.worker import SlurmWorker

__all__ = ["SlurmWorker"]
