"""Intake as a process of its own that takes files of reports; with IMPORT_DIES_AT it dies with SIGKILL when it takes its n-th part, before the commit."""

import os
from typing import Any

import uvicorn
from chassis import crash
from intake.app import build
from intake.imports import work
from intake.settings import IntakeSettings

if __name__ == "__main__":
    left = [int(os.environ.get("IMPORT_DIES_AT", "0"))]
    take = work.Importing.take

    async def counted(self: Any, *arguments: Any) -> None:
        await take(self, *arguments)
        left[0] -= 1
        if left[0] == 0:
            crash._armed = "before_commit"

    work.Importing.take = counted  # type: ignore[method-assign]
    settings = IntakeSettings()
    uvicorn.run(build(settings).app(), host="127.0.0.1", port=settings.port, log_level="error")
