"""The automation by which anyone who knows that a scene has landed starts its tile."""

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Prefect takes a second to import, which `--help` need not wait for
    from uuid import UUID

    from prefect.events import AutomationCore

EVENT = "s2lookback.scene.landed"
"""Event whose resource names the tile: ``s2lookback.tile`` is 10UFB, ``prefect.resource.id`` s2lookback.tile.10UFB."""

NAME = "a scene that landed starts its tile"

WINDOW = timedelta(seconds=60)
"""The first event of a tile starts a run for after this time; the others within it are the same burst."""


def landed_starts_tile(deployment: "UUID") -> "AutomationCore":
    """Describe the automation that starts a tile of which a scene has landed, by the id of the deployment of tiles.

    The run begins when the time has passed in which further events are let go by, so that it finds their scenes.
    """
    from prefect.events import AutomationCore, EventTrigger, Posture, ResourceSpecification, RunDeployment

    tile = {"__prefect_kind": "jinja", "template": "{{ event.resource['s2lookback.tile'] }}"}
    return AutomationCore(
        name=NAME,
        description=f"Events {EVENT} of one tile within {WINDOW.seconds} s start one run, after the last of them.",
        trigger=EventTrigger(
            expect={EVENT},
            match=ResourceSpecification({"prefect.resource.id": ["s2lookback.tile.*"]}),
            for_each={"prefect.resource.id"},
            posture=Posture.Reactive,
            threshold=1,
            within=WINDOW,
        ),
        actions=[RunDeployment(deployment_id=deployment, parameters={"tile": tile}, schedule_after=WINDOW)],
    )
