"""What goes to SIMFONI, fetched for a file: as whom the operator says, or as the demo's supervisor of an embedded platform."""

import json
from pathlib import Path

import httpx


class ReportError(Exception):
    """Nothing could be fetched; the words say why."""


def fetch(gateway: str, token: str, month: str, *, names: bool, form: str) -> str:
    """The tables of a month, or its records by name. Raises ReportError with what the platform said."""
    path = "records" if names else "aggregates"
    try:
        with httpx.Client(timeout=60, trust_env=False) as client:
            answer = client.get(
                f"{gateway.rstrip('/')}/intake/simfoni/{path}", params={"month": month, "format": form}, headers={"Authorization": f"Bearer {token}"}
            )
    except httpx.HTTPError as error:
        message = f"{gateway} does not answer ({type(error).__name__})"
        raise ReportError(message) from None
    if not answer.is_success:
        problem = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        fields = ", ".join(f"{entry['field']}: {entry['code']}" for entry in problem.get("errors", []))
        message = f"{answer.status_code} {problem.get('title', '')} {fields}".strip()
        raise ReportError(message)
    return answer.text


def embedded(data: Path) -> tuple[str, str]:
    """The gateway of the embedded platform below a folder, and a token of its demo's supervisor. Raises ReportError where none runs."""
    try:
        port = json.loads((data / "secrets.json").read_text())["ports"]["gateway"]
        gateway = f"http://127.0.0.1:{port}"
        with httpx.Client(timeout=10, trust_env=False) as client:
            answer = client.post(f"{gateway}/issuer/token", json={"identity": "supervisor-dppapp"}).raise_for_status()
    except (OSError, httpx.HTTPError) as error:
        message = f"no platform runs below {data} ({type(error).__name__}): name --gateway and NAUNGAN_TOKEN"
        raise ReportError(message) from None
    return gateway, str(answer.json()["access_token"])
