"""What could not be told, told again: Prefect posts a message once, and a receiver may be down that minute."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.events.filters import EventFilter, EventIDFilter, EventNameFilter, EventOccurredFilter
from prefect.events.schemas.events import ReceivedEvent

from catalog.store import Store
from tasks.watch_tell import note_heard, remembered, send, some

AGAIN = "s2lookback.again"
"""Event that carries what could not be told."""
TELLS = "tell: "
"""What the names of the automations begin with that tell people."""
FAILED = "prefect.automation.action.failed"
MOST = 50
"""Failures that are read at once, the server's own limit."""


def tell_again(client: SyncPrefectClient, store: Store, now: datetime) -> None:
    """Send what could not be told since the last look, in one message; if that fails, too, it is found at the next.

    Args:
        client: Of the server.
        store: Catalog, beside which it is remembered how far was looked.
        now: The first look goes back an hour from it.
    """
    heard = remembered(store).heard
    failed = _failed(client, heard + timedelta(microseconds=1) if heard else now - timedelta(hours=1))
    if not failed:
        return
    texts = list(dict.fromkeys(text for one in reversed(failed) for text in _texts(client, one)))
    message = "\n\n".join(["Could not be told before:", *some(texts)])
    send(client, AGAIN, message, [], texts=texts[-MOST:])
    note_heard(store, max(one.occurred for one in failed))


def _failed(client: SyncPrefectClient, since: datetime) -> list[ReceivedEvent]:
    """Read which messages could not be posted, newest first."""
    asked = EventFilter(event=EventNameFilter(name=[FAILED]), occurred=EventOccurredFilter(since=since))
    found = client.read_events(asked, limit=MOST).events
    return [one for one in found if (one.resource.name or "").startswith(TELLS)]


def _texts(client: SyncPrefectClient, failed: ReceivedEvent) -> Iterable[str]:
    """Give what a message said: the watch's own words, else what the automation is named for."""
    named = f"{(failed.resource.name or '').removeprefix(TELLS)} ({failed.occurred:%Y-%m-%d %H:%M} UTC)"
    causes = [one.id.rpartition(".")[2] for one in failed.related if one.role == "triggering-event"]
    if not causes:
        return [named]
    asked = EventFilter(
        id=EventIDFilter(id=[UUID(causes[0])]), occurred=EventOccurredFilter(since=failed.occurred - timedelta(days=1))
    )
    for event in client.read_events(asked, limit=1).events:
        if event.event.startswith("s2lookback."):
            return [*event.payload.get("texts", [event.payload.get("text", named)])]
        return [f"{named}: {event.resource.name}"]
    return [named]
