"""The embedded platform as a process, with NATS over WebSocket beside TCP; it says where it is, and ends with its standard input."""

import asyncio
import json
import sys
from pathlib import Path

from ops.platform import Platform
from ops.processes import free_port


async def main(folder: Path) -> None:
    settings = {"INTAKE_LIVE_MINUTES": "0.05", "INTAKE_RECOVER_SECONDS": "0.5", "INTAKE_RECONCILE_SECONDS": "0.5"}
    platform = Platform(folder, settings=settings)
    port = free_port(None)
    platform.nats.more += f'websocket {{ listen: "127.0.0.1:{port}", no_tls: true }}\n'
    try:
        await platform.start()
        where = {
            "url": platform.gateway,
            "nats": platform.nats.url,
            "websocket": f"ws://127.0.0.1:{port}",
            "passwords": platform.secrets.passwords,
            "broker": str(platform.data / "nats" / "nats.pid"),
        }
        print(json.dumps(where), flush=True)
        await asyncio.to_thread(sys.stdin.read)
    finally:
        await platform.stop()


asyncio.run(main(Path(sys.argv[1])))
