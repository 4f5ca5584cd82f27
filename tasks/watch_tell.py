"""Conditions that a person should know of: told once when they begin, and once when they are over."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from prefect import get_run_logger
from prefect.client.orchestration import SyncPrefectClient
from pydantic import BaseModel, ConfigDict, ValidationError

from catalog.place.disk import content, written
from catalog.store import Store
from tasks.watch_rules import Finding

FILE = Path("executions", "watch", "state.json")
LONGEST = 12
"""Findings that a message lists; it says how many more there are."""
BROADEST = 50
"""Findings that an event names as related resources: the server takes a hundred."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What may be wrong, and what is said of it."""

    event: str
    """Name of the event that is sent when it begins; when it is over, ``.over`` is added."""
    title: str
    step: str
    """What to do next."""


class Kept(BaseModel):
    """What is remembered beside the catalog."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    told: dict[str, dict[str, str]] = {}
    """Since when each thing is wrong that was told and is not over: event, what it is about, ISO 8601."""
    nights: list[int] = []
    """Bytes of the catalog's file system that were used after each of the last nights, oldest first."""
    heard: datetime | None = None
    """When the last message could not be posted that was sent again."""


def tell(
    client: SyncPrefectClient,
    store: Store,
    condition: Condition,
    findings: Sequence[Finding],
    *,
    undecided: Collection[str] = (),
) -> None:
    """Send an event for what begins to be wrong, and one for what is so no more.

    Remembered is what the server took: a watch that is killed tells twice rather than never. Of one condition one flow
    tells, of which there is one run at a time.

    Args:
        client: Of the server whose automations tell people.
        store: Catalog.
        condition: What may be wrong.
        findings: What is wrong with it now.
        undecided: Of what nothing can be said now; it stays as it was told.
    """
    since = remembered(store).told.get(condition.event, {})
    wrong = {one.about for one in findings}
    begun = [one for one in findings if one.about not in since]
    over = {one: since[one] for one in sorted(since.keys() - wrong - set(undecided))}
    if begun:
        send(client, condition.event, message(condition, begun), [one.about for one in begun])
    if over:
        send(client, f"{condition.event}.over", message_over(condition, over), list(over))
    if begun or over:
        now = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        stands = {one: since.get(one, now) for one in sorted((since.keys() | wrong) - over.keys())}
        _remember(store, lambda kept: {"told": kept.told | {condition.event: stands}})


def note_night(store: Store, used: int, *, last: int) -> None:
    """Remember how many bytes were used after a night, and after the ``last`` ones."""
    _remember(store, lambda kept: {"nights": [*kept.nights, used][-last:]})


def note_heard(store: Store, when: datetime) -> None:
    """Remember when the last message could not be posted that was sent again."""
    _remember(store, lambda _: {"heard": when})


def remembered(store: Store) -> Kept:
    """Read what was told; where that is damaged, nothing was, and people are told again."""
    path = store.root / FILE
    store.place.bring(path)
    return _kept(content(path))


def message(condition: Condition, findings: Sequence[Finding]) -> str:
    """Write what a person reads: what was found, what was expected, what to do next."""
    lines = some([one.sentence() for one in findings])
    return "\n".join([f"{condition.title} ({len(findings)}):", *lines, f"Next: {condition.step}."])


def message_over(condition: Condition, since: Mapping[str, str]) -> str:
    """Write that it is over."""
    lines = some([f"{one}, since {when}" for one, when in since.items()])
    return "\n".join([f"Over: {condition.title} ({len(since)}):", *lines])


def some(lines: Sequence[str]) -> list[str]:
    """Take the first lines, and say how many more there are."""
    more = len(lines) - LONGEST
    return [*lines[:LONGEST], *([f"… and {more} more"] if more > 0 else [])]


def send(client: SyncPrefectClient, event: str, text: str, abouts: Sequence[str], **more: object) -> None:
    """Send an event, which a person may attach an e-mail, a chat or a run to."""
    get_run_logger().warning("%s", text)
    kind = event.removesuffix(".over")
    related = [{"prefect.resource.id": f"{kind}.{one}", "prefect.resource.role": "about"} for one in abouts[:BROADEST]]
    sent = {
        "id": f"{uuid4()}",
        "event": event,
        "occurred": datetime.now(UTC).isoformat(),
        "resource": {"prefect.resource.id": kind, "prefect.resource.name": event},
        "related": related,
        "payload": {"text": text, "about": [*abouts], **more},
    }
    client.request("POST", "/events", json=[sent]).raise_for_status()


def _remember(store: Store, more: Callable[[Kept], dict[str, object]]) -> None:
    """Change what is remembered, whoever else changes another part of it at the same time."""

    def changed(before: bytes | None) -> bytes:
        kept = _kept(before)
        return written(kept.model_copy(update=more(kept)).model_dump(mode="json"))

    store.place.revise(store.root / FILE, changed)


def _kept(text: bytes | None) -> Kept:
    try:
        return Kept.model_validate_json(text or b"{}")
    except ValidationError:
        return Kept()
