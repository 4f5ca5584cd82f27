"""Automations that tell people: what the server itself notices, and what the watch finds."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flows.cli.words import stop

if TYPE_CHECKING:  # Prefect takes a second to import, which `--help` need not wait for
    from uuid import UUID

    from prefect.client.orchestration import PrefectClient
    from prefect.events import AutomationCore, EventTrigger, SequenceTrigger
    from prefect.events.schemas.automations import TriggerTypes

COMPLETED = "prefect.flow-run.Completed"
VARIABLE = "S2LOOKBACK_WEBHOOK"
BLOCK = "s2lookback"
"""Name of the block that holds the webhook's address, which is a secret."""

POOLS = ("hpc", "gpu")
LEADS = ("nightly", "rerun", "landing", "reconcile")
"""Deployments that nobody waits for; of a tile's failure the watch tells, once nobody is about to try it again."""


@dataclass(frozen=True, slots=True)
class Silence:
    """What should complete again and again, and how long it may not."""

    deployment: str
    longest: timedelta
    text: str
    over: str


NIGHT = Silence(
    "nightly",
    timedelta(hours=26),  # a day, and two hours for a night that takes longer than the one before
    "No night has completed for 26 h; expected one a day.\nNext: look at the last run of nightly, whether its schedule "
    "is on, and whether a worker serves the queue default of pool hpc.",
    "Over: a night has completed.",
)
WATCH = Silence(
    "reconcile",
    timedelta(minutes=30),  # six times what lies between two looks
    "Nobody has watched for 30 min, so that nothing else may be told; expected a run of reconcile every 5 min.\n"
    "Next: look whether a worker serves the queue default of pool hpc, and whether the schedule of reconcile is on.",
    "Over: runs are watched again.",
)


PAUSE = timedelta(hours=1)
"""How long a queue may be paused, or asked by no worker: a restart or an upgrade takes less."""


async def tell_people(client: "PrefectClient", address: str) -> bool:
    """Make all that tells people, or bring it up to date; False if no webhook is known, and nobody is told.

    Args:
        client: Of the server.
        address: Where messages are posted as JSON, ``{"text": …}``; if empty, where they were posted before.
    """
    block = await _block(client, address)
    if block is None:
        return False
    for wanted in notices(block):
        await automate(client, wanted)
    for silence in (NIGHT, WATCH):
        alarm = await automate(client, alarm_of(silence, block))
        await automate(client, end_of(silence, alarm, block))
    alarm = await automate(client, idle_queue(PAUSE, block))
    await automate(client, busy_queue(alarm, block))
    return True


async def automate(client: "PrefectClient", wanted: "AutomationCore") -> "UUID":
    """Make an automation, or bring the one of its name up to date; one that is so keeps what it has counted.

    One that a person switched off stays off.
    """
    found = await client.read_automations_by_name(wanted.name)
    for one in found:
        as_it_is = wanted.model_copy(update={"enabled": one.enabled})
        if _described(one) != _described(as_it_is):
            await client.update_automation(one.id, as_it_is)
    return found[0].id if found else await client.create_automation(wanted)


def _described(automation: "AutomationCore") -> "AutomationCore":
    from prefect.events import AutomationCore

    return AutomationCore.model_validate({name: getattr(automation, name) for name in AutomationCore.model_fields})


async def _block(client: "PrefectClient", address: str) -> "UUID | None":
    from prefect.blocks.webhook import Webhook
    from prefect.exceptions import ObjectNotFound
    from pydantic import SecretStr

    if address:
        if not _is_address(address):
            stop(f"{VARIABLE}: is no address of a webhook, expected https://host/path")  # a secret: never shown
        hook = Webhook(url=SecretStr(address), headers={"Content-Type": "application/json"})
        return await hook.asave(BLOCK, overwrite=True, client=client)
    try:
        return (await client.read_block_document_by_name(BLOCK, "webhook")).id
    except ObjectNotFound:
        return None


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:  # half of an IPv6 address
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def notices(block: "UUID") -> "list[AutomationCore]":
    """Describe every automation that tells people through a block."""
    from prefect.events import ResourceSpecification

    from tasks.watch import CONDITIONS
    from tasks.watch_again import AGAIN

    pools = ResourceSpecification({"prefect.resource.name": [*POOLS]})
    events = [one.event for one in CONDITIONS]
    found = [AGAIN, *(f"{event}{end}" for event in events for end in ("", ".over"))]
    return [
        _notice("what the watch finds", _when(*found), "event.payload.text", block),
        _notice(
            "a run that leads others has failed",
            _when(
                "prefect.flow-run.Failed",
                "prefect.flow-run.Crashed",
                match_related=_of(*LEADS),
                for_each={"related:deployment:prefect.resource.id"},
                within=timedelta(hours=1),  # no more than one message an hour and deployment
            ),
            "flow_run.name ~ ': ' ~ flow_run.state.name ~ ': ' ~ (flow_run.state.message or '')[:300] ~ '\\n'"
            "~ 'Expected: that it completes. Next: what crashed is started again by reconcile; look at the rest at '"
            "~ (flow_run | ui_url)",
            block,
        ),
        _notice(
            "a pool has no worker",
            _when("prefect.work-pool.not-ready", match=pools),
            "'Pool ' ~ event.resource.name ~ ': no worker has been heard of for 90 s; expected one or more.\\n'"
            "~ 'Next: on its machine, systemctl status s2lookback-worker@' ~ event.resource.name",
            block,
        ),
        _notice(
            "a pool has a worker",
            _when("prefect.work-pool.ready", match=pools),
            "'Over: pool ' ~ event.resource.name ~ ' has a worker.'",
            block,
        ),
    ]


def alarm_of(silence: Silence, block: "UUID") -> "AutomationCore":
    """Describe the automation that notices what has not completed for too long: since it last did, or since now.

    What is both waited for and waits for the next is asked for by ``after``, too; without it, Prefect counts in fixed
    windows, and a night that did not happen may be told of two days late.
    """
    from prefect.events import Posture

    trigger = _when(
        COMPLETED,
        after={COMPLETED},
        posture=Posture.Proactive,
        within=silence.longest,
        match_related=_of(silence.deployment),
    )
    return _notice(f"no {silence.deployment} has completed", trigger, repr(silence.text), block)


def idle_queue(longest: timedelta, block: "UUID") -> "AutomationCore":
    """Describe the automation that notices a queue that takes no work for too long, once for each pool."""
    from prefect.events import Posture

    trigger = _when(
        "prefect.work-queue.ready",
        after={"prefect.work-queue.not-ready", "prefect.work-queue.paused"},
        posture=Posture.Proactive,
        within=longest,
        for_each={"related:work-pool:prefect.resource.name"},
        match_related={"prefect.resource.role": "work-pool", "prefect.resource.name": [*POOLS]},
    )
    text = (
        "'A queue has taken no work for ' ~ (automation.trigger.within.total_seconds() / 60) | int ~ ' min: '"
        "~ event.resource.name ~ ' of pool ' ~ event.related[0].name ~ '; expected one that a worker asks.\\n'"
        "~ 'Next: s2lookback resume, if it was paused; else look whether a worker of the pool leaves it out.'"
    )
    return _notice("a queue takes no work", trigger, text, block)


def busy_queue(alarm: "UUID", block: "UUID") -> "AutomationCore":
    """Describe the automation that notices that a queue takes work again, which an alarm told of."""
    ended = _when(
        "prefect.work-queue.ready",
        match_related={"prefect.resource.role": "work-pool", "prefect.resource.name": [*POOLS]},
    )
    text = "'Over: queue ' ~ event.resource.name ~ ' takes work again.'"
    return _notice("a queue takes work again", _after(alarm, ended), text, block)


def end_of(silence: Silence, alarm: "UUID", block: "UUID") -> "AutomationCore":
    """Describe the automation that notices that what an alarm told of is over."""
    ended = _when(COMPLETED, match_related=_of(silence.deployment))
    return _notice(f"{silence.deployment} has completed again", _after(alarm, ended), repr(silence.over), block)


def _after(alarm: "UUID", ended: "EventTrigger") -> "SequenceTrigger":
    """Describe what ends a thing that an alarm told of."""
    from prefect.events import SequenceTrigger

    told = _when("prefect.automation.triggered", match={"prefect.resource.id": f"prefect.automation.{alarm}"})
    return SequenceTrigger(triggers=[told, ended], within=timedelta(days=60))


def _when(*events: str, **more: object) -> "EventTrigger":
    from prefect.events import EventTrigger, Posture

    return EventTrigger.model_validate({"posture": Posture.Reactive, "expect": {*events}, **more})


def _of(*deployments: str) -> dict[str, object]:
    return {"prefect.resource.role": "deployment", "prefect.resource.name": [*deployments]}


def _notice(name: str, trigger: "TriggerTypes", text: str, block: "UUID") -> "AutomationCore":
    """Describe an automation that posts a text, given as an expression of Jinja."""
    from prefect.events import AutomationCore, CallWebhook

    from tasks.watch_again import TELLS

    payload = '{"text": {{ (' + text + ") | tojson }}}"
    return AutomationCore(
        name=f"{TELLS}{name}",
        description=f"Posts to the webhook block {BLOCK}; made by `s2lookback deploy`.",
        trigger=trigger,
        actions=[CallWebhook(block_document_id=block, payload=payload)],
    )
