#!/bin/sh
# Make the pools hpc and gpu of type slurm, with what a job of each asks for; run once, after the server is up.
# Change the figures to the cluster's: they are the defaults of every job, and prefect.yaml may change them a deployment.
set -eu
cd "$(dirname "$0")/../.."

template() { # pool, then name=value: the defaults of its jobs
    python - "$@" <<'PYTHON'
import json, sys

from deployments.slurm import SlurmWorker

template = SlurmWorker.get_default_base_job_template()
for asked in sys.argv[2:]:
    name, _, value = asked.partition("=")
    template["variables"]["properties"][name]["default"] = int(value) if value.isdecimal() and name == "cpus" else value
json.dump(template, open(sys.argv[1] + ".json", "w"))
PYTHON
    prefect work-pool create "$1" --type slurm --base-job-template "$1.json" --overwrite
    rm "$1.json"
}

template hpc cpus=16 memory=32G time=04:00:00 partition=compute
template gpu cpus=8 memory=64G time=02:00:00 partition=gpu gpus=1
s2lookback deploy --workers slurm --tiles 32 --gpus 2
