"""The toy as a process of its own, so that a test can kill it."""

import uvicorn
from chassis import Settings

from tests.chassis import toy

if __name__ == "__main__":
    settings = Settings()
    uvicorn.run(toy.build(settings).app(), host="127.0.0.1", port=settings.port, log_level="error")
