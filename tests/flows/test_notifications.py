"""A real server, and a receiver that keeps what arrives: what people are told, once, and without a secret."""

import asyncio
import json
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue

import pytest
import typer
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import BlockDocumentUpdate
from prefect.logging import disable_run_logger
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from catalog.store import Store
from flows.cli.notices import BLOCK, NIGHT, VARIABLE, alarm_of, busy_queue, end_of, idle_queue, tell_people
from tasks.watch import look_at_disk, look_at_runs
from tasks.watch_again import TELLS, tell_again
from tasks.watch_rules import WatchSettings
from tests.flows.server import PATIENCE, SECRET, Server, serving, wait_for, worker
from tests.flows.test_told import NOW, listed, passes

pytestmark = pytest.mark.flow

TOKEN = "T0KEN-of-a-channel"  # noqa: S105  of a receiver that lives as long as a test


class Receiver(ThreadingHTTPServer):
    """Keeps what is posted to it."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Keeper)
        self.messages: Queue[dict[str, str]] = Queue()
        self.address = f"http://127.0.0.1:{self.server_port}/{TOKEN}"
        self.kept: list[dict[str, str]] = []

    def next(self, beginning: str) -> dict[str, str]:
        """Wait for a message that begins so; others may come before it."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = next((one for one in self.kept if one["text"].startswith(beginning)), None)
            if found:
                self.kept.remove(found)
                return found
            try:
                self.kept.append(self.messages.get(timeout=1))
            except Empty:
                continue
        pytest.fail(f"no message that begins with {beginning!r} within {PATIENCE} s, but {self.kept}")


class Keeper(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.messages.put(json.loads(body) | {"type": self.headers["Content-Type"]})
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    thread = threading.Thread(target=found.serve_forever)
    thread.start()
    yield found
    found.shutdown()
    thread.join()
    found.server_close()


@pytest.fixture(scope="module")
def server(tmp_path_factory, receiver) -> Iterator[Server]:
    """Serve with a webhook, and with a server that misses workers soon."""
    soon = {
        "PREFECT_SERVER_SERVICES_FOREMAN_LOOP_SECONDS": "2",
        "PREFECT_SERVER_SERVICES_FOREMAN_INACTIVITY_HEARTBEAT_MULTIPLE": "1",
        "PREFECT_LOGGING_LEVEL": "INFO",
    }
    folder = tmp_path_factory.mktemp("told")
    (folder / "products").mkdir()
    with serving(folder, "--tiles", "2", **soon, **{VARIABLE: receiver.address}) as served:
        yield served


@pytest.fixture
def client(server):
    where = {setting: server.environment[setting.name] for setting in (PREFECT_API_URL, PREFECT_API_AUTH_STRING)}
    with temporary_settings(where), get_client(sync_client=True) as found, disable_run_logger():
        yield found


def ended(server, deployment, state, name, **parameters):
    """Make a run that came to an end, and that no process was behind; return its name."""
    run = server.trigger(deployment, **parameters)
    with server.client() as asked:
        asked.patch(f"/flow_runs/{run}", json={"name": name}).raise_for_status()
    for one in ("PENDING", "RUNNING", state):
        said = {"type": one, "message": "SceneError: 09UYT: none of 12 scenes could be masked"}
        server.ask(f"/flow_runs/{run}/set_state", {"state": said, "force": True})
    return name


async def deployed(address):
    async with get_client() as asked:
        return await tell_people(asked, address)


def automations(server):
    return {one["name"]: one for one in server.ask("/automations/filter", {})}


def test_deploying_again_changes_nothing_of_what_tells_people(server, client, receiver):
    before = automations(server)
    assert sum(name.startswith("tell: ") for name in before) == 10
    off = next(one for name, one in before.items() if name.startswith("tell: "))
    with server.client() as asked:
        asked.patch(f"/automations/{off['id']}", json={"enabled": False}).raise_for_status()
    before = automations(server)
    assert asyncio.run(deployed(receiver.address))
    assert asyncio.run(deployed(""))  # a shell that does not know the address: the block still does
    assert automations(server) == before  # one that a person switched off stays off
    with server.client() as asked:
        asked.patch(f"/automations/{off['id']}", json={"enabled": True}).raise_for_status()


@pytest.mark.parametrize(
    "address", [f"hooks.example/{TOKEN}", f"file:///{TOKEN}", f"https://[{TOKEN}", f"https:{TOKEN}"]
)
def test_a_webhook_that_is_no_address_is_refused_without_being_shown(server, client, address, capsys):
    with pytest.raises(typer.Exit):
        asyncio.run(deployed(address))
    shown = "".join(capsys.readouterr())
    assert f"{VARIABLE}: is no address of a webhook, expected https://host/path" in " ".join(shown.split())
    assert TOKEN not in shown


def test_a_disk_that_is_nearly_full_is_told_once_and_once_when_it_is_over(server, client, receiver, tmp_path):
    full, fine = WatchSettings(disk_share=1, disk_nights=0), WatchSettings(disk_share=0, disk_nights=0)
    for settings in (full, full, fine, fine):
        look_at_disk(client, Store(str(tmp_path)), settings)
    begun = receiver.next("Disks that are nearly full (1):")
    over = receiver.next("Over: Disks that are nearly full (1):")
    assert begun["type"] == "application/json"
    assert begun["text"].splitlines()[1].startswith(f"{tmp_path}: ")
    assert "are free; expected " in begun["text"]
    assert "\nNext: free room with `s2lookback catalog gc`" in begun["text"]
    assert f"{tmp_path}, since " in over["text"]
    look_at_disk(client, Store(str(tmp_path)), full)
    receiver.next("Disks that are nearly full (1):")
    assert not [one for one in receiver.kept if "Disks" in one["text"]]  # each of the four looks told once, or nothing


def test_a_tile_is_told_once_nobody_tries_it_again_and_when_it_completes(server, client, receiver, tmp_path):
    settings, store, now = WatchSettings(), Store(str(tmp_path)), datetime.now(UTC)
    name = ended(server, "tile", "FAILED", "tile 09UYT", tile="09UYT")
    look_at_runs(client, store, settings, now)  # it may be tried again
    for _ in range(2):
        look_at_runs(client, store, settings, now + timedelta(minutes=15))
    text = receiver.next("Tiles that could not be done (1):")["text"]
    assert f"{name}: Failed: SceneError: 09UYT: none of 12 scenes could be masked" in text
    assert "\nNext: `s2lookback ledger" in text
    ended(server, "tile", "COMPLETED", name, tile="09UYT")
    look_at_runs(client, store, settings, now + timedelta(minutes=20))
    assert f"{name}, since " in receiver.next("Over: Tiles that could not be done (1):")["text"]


def test_a_night_that_fails_is_told_once_an_hour(server, client, receiver):
    first = ended(server, "nightly", "FAILED", "nightly 2025-08-29")
    second = ended(server, "nightly", "FAILED", "nightly 2025-08-30")
    text = receiver.next(f"{first}: Failed: SceneError")["text"]
    assert "/runs/flow-run/" in text
    look_at_disk(client, Store(str(server.products)), WatchSettings(disk_share=1))  # what is sent later has arrived
    receiver.next("Disks that are nearly full")
    assert not [one for one in receiver.kept if one["text"].startswith(second)]


def test_a_night_that_does_not_happen_is_told_and_when_one_does(server, client, receiver):
    block = client.read_block_document_by_name(BLOCK, "webhook").id
    soon = replace(NIGHT, longest=timedelta(seconds=12), text="No night has completed for 12 s; expected more.")
    alarm = client.create_automation(alarm_of(soon, block).model_copy(update={"name": "soon"}))
    client.create_automation(end_of(soon, alarm, block).model_copy(update={"name": "soon over"}))
    receiver.next("No night has completed for 12 s; expected more.")
    ended(server, "nightly", "COMPLETED", "nightly 2025-08-31")
    receiver.next("Over: a night has completed.")
    receiver.next("No night has completed for 12 s; expected more.")
    client.delete_automation(alarm)


def test_a_pool_that_loses_its_worker_is_told_and_when_it_has_one_again(server, receiver):
    with worker(server, "gpu", PREFECT_WORKER_HEARTBEAT_SECONDS="3"):
        receiver.next("Over: pool gpu has a worker.")
    text = receiver.next("Pool gpu: no worker has been heard of")["text"]
    assert "systemctl status s2lookback-worker@gpu" in text


def test_a_queue_that_takes_no_work_is_told_and_when_it_does_again(server, client, receiver):
    hpc = {one["name"]: one["id"] for one in server.ask("/work_pools/hpc/queues/filter", {})}
    block = client.read_block_document_by_name(BLOCK, "webhook").id
    soon = idle_queue(timedelta(seconds=12), block).model_copy(update={"name": "idle soon"})
    alarm = client.create_automation(soon)
    over = client.create_automation(busy_queue(alarm, block).model_copy(update={"name": "busy soon"}))
    client.update_work_queue(uuid.UUID(hpc["tiles"]), is_paused=True)
    text = receiver.next("A queue has taken no work for 0 min: tiles of pool hpc;")["text"]
    assert "Next: s2lookback resume" in text
    client.update_work_queue(uuid.UUID(hpc["tiles"]), is_paused=False)
    with worker(server, "hpc"):
        receiver.next("Over: queue ")
    for one in (alarm, over):
        client.delete_automation(one)


def test_a_worker_watches_the_disk_and_a_night_its_tiles_with_what_the_environment_sets(server, receiver):
    shift = datetime.now(UTC) - NOW
    listed(server.products, "scenes", "scene", [one + shift for one in passes(2.5, NOW - timedelta(days=9))])
    scenes = server.home / "scenes"
    scenes.mkdir()
    settings = {
        "S2LOOKBACK_WATCH_DISK_SHARE": "0",
        "S2LOOKBACK_WATCH_DISK_NIGHTS": "0",
        "S2LOOKBACK_SCENES": str(scenes),
    }
    with worker(server, "hpc", **settings):
        assert server.end(server.trigger("reconcile")) == "COMPLETED"
        receiver.next("Over: Disks that are nearly full")
        server.end(server.trigger("nightly", tiles=[]))
        text = receiver.next("Tiles with fewer scenes, or less clear ground, than usual (1):")["text"]
    assert "10UFB: 1 scene in 10 days, the newest of " in text


def test_people_may_be_told_by_a_block_of_their_own(server, client, receiver, tmp_path):
    kind = client.read_block_type_by_slug("custom-webhook")
    schema = server.ask("/block_schemas/filter", {"block_schemas": {"block_type_id": {"any_": [str(kind.id)]}}})[0][
        "id"
    ]
    mine = {  # this block hides what is among its secrets, and nothing else
        "name": "mine",
        "url": receiver.address.replace(TOKEN, "{{channel}}"),
        "secrets": {"channel": TOKEN},
        "json_data": {"text": "mine: {{subject}}: {{body}}"},
        "method": "POST",
    }
    body = {"name": "mine", "block_type_id": str(kind.id), "block_schema_id": schema, "data": mine}
    block = server.ask("/block_documents/", body)["id"]
    trigger = {"type": "event", "posture": "Reactive", "expect": ["s2lookback.disk"], "threshold": 1, "within": 0}
    action = {
        "type": "send-notification",
        "block_document_id": block,
        "subject": "s2lookback",
        "body": "{{ event.payload.text }}",
    }
    made = server.ask("/automations/", {"name": "mine", "trigger": trigger, "actions": [action]})["id"]
    wait_for(lambda: "mine" in automations(server), "an automation")
    look_at_disk(client, Store(str(tmp_path)), WatchSettings(disk_share=1))
    receiver.next("mine: s2lookback: Disks that are nearly full (1):")
    receiver.next("Disks that are nearly full (1):")
    client.delete_automation(uuid.UUID(made))


def test_no_secret_is_told_logged_or_shown(server, receiver):
    told = {
        "events": server.ask("/events/filter", {"limit": 50})["events"],
        "automations": automations(server),
        "runs": server.ask("/flow_runs/filter", {}),
        "messages": receiver.kept,
    }
    texts = {name: json.dumps(one) for name, one in told.items()}
    texts |= {one["name"]: json.dumps(one) for one in server.ask("/block_documents/filter", {})}
    texts |= {f"{path}": path.read_text(errors="replace") for path in server.home.glob("*.log")}
    texts |= {f"{path}": path.read_text() for path in server.products.rglob("state.json")}
    assert len(texts) > len(told) + 2
    assert not [name for name, text in texts.items() if TOKEN in text or SECRET in text]


def test_a_receiver_that_is_dead_fails_nothing_and_what_it_missed_is_told_again(server, client, receiver, tmp_path):
    block, store = client.read_block_document_by_name(BLOCK, "webhook"), Store(str(tmp_path))

    def post_to(address):
        data = {"url": address, "headers": {"Content-Type": "application/json"}, "method": "POST"}
        client.update_block_document(block.id, BlockDocumentUpdate(data=data))

    def failed():
        wanted = {"filter": {"event": {"name": ["prefect.automation.action.failed"]}}}
        events = server.ask("/events/filter", wanted)["events"]
        return [one for one in events if one["resource"]["prefect.resource.name"] == f"{TELLS}what the watch finds"]

    post_to(f"http://127.0.0.1:1/{TOKEN}")
    look_at_disk(client, store, WatchSettings(disk_share=1))
    (event,) = wait_for(failed, "an action that failed")
    assert event["payload"]["reason"].startswith("Webhook call failed: ")
    tell_again(client, store, datetime.now(UTC))
    wait_for(lambda: len(failed()) == 2, "another one")
    post_to(receiver.address)
    for _ in range(2):
        tell_again(client, store, datetime.now(UTC))
    lines = receiver.next("Could not be told before:")["text"].split("\n\n")
    assert len(lines) == 2
    assert lines[1].startswith(f"Disks that are nearly full (1):\n{tmp_path}: ")
    assert TOKEN not in json.dumps(failed())
